"""Many pull requests on one target, one for each kind of conflict that git knows.

Real git and hook bodies, without sockets: see ``history_world``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.sandbox.azure_devops import FileContent, GitFile, SandboxPullRequest, Submodule
from tests.bot.conflicts.history_world import AUTHORS, CHANNEL, World
from tests.bot.conflicts.seen import Seen, ended, seen, told

Changes = Mapping[str, FileContent]
OTHERS = 10
"""Pull requests beside those of the table, that touch nothing that moves."""


def text(name: str, last: str = "") -> str:
    """Long enough that git knows it again under another name, and unlike every other."""
    return "".join(f"{name} says {name}, line {n}\n" for n in range(12)) + last


@dataclass(frozen=True)
class Kind:
    """``base`` on the target, changed by both sides.

    ``named`` is what Azure DevOps names: (path, kind). ``overlap`` are the paths that Pullcord
    finds by itself. Without ``named`` it merges.
    """

    base: Changes
    source: Changes
    target: Changes
    named: tuple[str, str] | None
    overlap: tuple[str, ...] = ()


def both(
    source: FileContent, target: FileContent, said: str | None, *, base: FileContent = None
) -> Kind:
    """Both sides change ``{}``, a file of the case."""
    return Kind(
        {"{}": base} if base is not None else {},
        {"{}": source},
        {"{}": target},
        ("{}", said) if said else None,
        ("{}",) if said else (),
    )


HERE, THERE = "deleted here, changed on the target", "changed here, deleted on the target"
KINDS: dict[str, Kind] = {
    "content": both("mine\n", "ours\n", "both changed", base="first\n"),
    "the same content": both("same\n", "same\n", None, base="first\n"),
    "far apart": both("mine\n" + text("apart"), text("apart", "ours\n"), None, base=text("apart")),
    "deleted here": both(None, "ours\n", HERE, base="first\n"),
    "deleted there": both("mine\n", None, THERE, base="first\n"),
    "deleted by both": both(None, None, None, base="first\n"),
    "both added": both("mine\n", "ours\n", "both added"),
    "binary changed": both(b"\x00mine", b"\x00ours", "both changed", base=b"\x00first"),
    "binary added": both(b"\x89PNG\x00mine", b"\x89PNG\x00ours", "both added"),
    "binary deleted there": both(b"\x00mine", None, THERE, base=b"\x00first"),
    "submodule moved": both(
        Submodule("1" * 40), Submodule("2" * 40), "both changed", base=Submodule("3" * 40)
    ),
    "submodule added": both(Submodule("1" * 40), Submodule("2" * 40), "both added"),
    "mode here, content there": both(
        GitFile(b"first\n", executable=True), "ours\n", None, base="first\n"
    ),
    "mode added": both(GitFile(b"mine\n", executable=True), "ours\n", "both added"),
    "link here, content there": both(
        GitFile(b"elsewhere", symlink=True), "ours\n", "both changed", base="first\n"
    ),
    "folder here, file there": Kind(
        {}, {"{}/a.txt": "mine\n"}, {"{}": "ours\n"}, ("{}", "file and folder of one name")
    ),
    "renamed to two names": Kind(
        {"{}": text("two names")},
        {"{}": None, "{}-mine": text("two names")},
        {"{}": None, "{}-ours": text("two names")},
        ("{}", "renamed"),
        ("{}",),
    ),
    "renamed here, changed there": Kind(
        {"{}": text("one name")},
        {"{}": None, "{}-mine": text("one name")},
        {"{}": text("one name", "ours\n")},
        None,
    ),
    "renamed here, deleted there": Kind(
        {"{}": text("no name")},
        {"{}": None, "{}-mine": text("no name")},
        {"{}": None},
        ("{}", THERE),
        ("{}",),
    ),
    "renamed here to what is added there": Kind(
        {"{}": text("a name")},
        {"{}": None, "{}-new": text("a name")},
        {"{}-new": "ours\n"},
        ("{}-new", "renamed"),
        ("{}-new",),
    ),
}


def path(case: str) -> str:
    return case.replace(" ", "-").replace(",", "")


def of(case: str, changes: Changes) -> dict[str, FileContent]:
    return {name.format(path(case)): content for name, content in changes.items()}


def lines(alert: str, case: str) -> list[str]:
    """The lines of an alert about the case's files, without the commands."""
    return [line for line in alert.split("\n") if line.startswith(path(case))]


CLEAN_AGAIN = ended("target", "by Priya Sample's push to main")


@dataclass
class Crowd:
    """A pull request for each kind, and some more, all into main."""

    world: World
    base: str
    made: dict[str, tuple[SandboxPullRequest, str]]

    @classmethod
    async def gathers(cls, world: World, cases: list[str], others: int = 0) -> "Crowd":
        azure, repository = world.azure, world.repository
        there = [of(case, KINDS[case].base) for case in cases]
        base = await azure.commit(
            repository,
            "main",
            {name: content for files in there for name, content in files.items()}
            | {"README.md": "crowd\n"},
            world.other,
            "Before",
        )
        made = {}
        changes = {case: of(case, KINDS[case].source) for case in cases}
        changes |= {f"other {n}": {f"other-{n}.txt": "mine\n"} for n in range(others)}
        for number, (case, files) in enumerate(changes.items()):
            author = AUTHORS[number % len(AUTHORS)]
            who, branch = world.authors[author], f"work/{path(case)}"
            await azure.commit(repository, branch, files, who, case)
            pull_request = await azure.create_pull_request(
                repository, who, branch, title=f"T{number}"
            )
            made[case] = (pull_request, author)
        await world.happened()
        return cls(world, base, made)

    async def target_moves(self) -> str:
        """One push to main with the other side of everything."""
        changes = [of(case, KINDS[case].target) for case in self.made if case in KINDS]
        files = {name: content for each in changes for name, content in each.items()}
        commit = await self.world.azure.commit(
            self.world.repository, "main", files, self.world.other, "By hand"
        )
        await self.world.happened()
        return commit

    async def target_is_reset(self) -> None:
        azure = self.world.azure
        await azure.organization.pushes.force(
            self.world.repository, self.world.other, "refs/heads/main", self.base
        )
        await self.world.happened()

    async def seen(self) -> dict[str, Seen]:
        return {case: await seen(self.world, *made) for case, made in self.made.items()}

    def expected(self, conflicted: Seen) -> dict[str, Seen]:
        return {
            case: conflicted if case in KINDS and KINDS[case].named else Seen()
            for case in self.made
        }

    def alert(self, case: str) -> str:
        made, author = self.made[case]
        texts = self.world.alert_texts(made, CHANNEL)
        direct = self.world.alert_texts(made, f"a:{author}")
        assert direct == [f"{text} [Why did I get this?]" for text in texts]
        return texts[-1]


async def test_thirty_pull_requests_on_one_target_are_told_exactly_once_each(
    world: World,
) -> None:
    """Azure DevOps does not merge again: own findings by overlap.

    It is listed twice, because it could have begun by itself to merge so many, and there is one
    trial merge for each whose files the push touches.
    """
    crowd = await Crowd.gathers(world, list(KINDS), OTHERS)
    assert len(crowd.made) == 30
    assert await crowd.seen() == crowd.expected(Seen())

    world.calls.clear()
    await crowd.target_moves()
    lists = [call for call in world.calls if call.endswith("/pullrequests")]
    trials = [call for call in world.calls if call.startswith("POST ") and "/merges" in call]
    outcomes = [call for call in world.calls if call.startswith("GET ") and "/merges/" in call]
    assert (len(lists), len(trials), len(outcomes)) == (2, len(KINDS), len(KINDS))
    assert await crowd.seen() == crowd.expected(told())
    for case, kind in KINDS.items():
        if kind.named:
            expected = [f"{name.format(path(case))}  conflicts" for name in kind.overlap]
            assert lines(crowd.alert(case), case) == expected
            assert "own finding" in crowd.alert(case)

    await world.sweep.run()
    await world.settle()
    assert await crowd.seen() == crowd.expected(told())
    await crowd.target_is_reset()
    assert await crowd.seen() == crowd.expected(CLEAN_AGAIN)


async def test_each_kind_of_conflict_is_told_as_azure_devops_names_it(world: World) -> None:
    world.azure.organization.remerge_on_target_push = True
    crowd = await Crowd.gathers(world, [case for case, kind in KINDS.items() if kind.named])
    commit = await crowd.target_moves()
    assert await crowd.seen() == crowd.expected(told())
    for case in crowd.made:
        named, alert = KINDS[case].named, crowd.alert(case)
        assert named is not None
        assert lines(alert, case) == [f"{named[0].format(path(case))}  {named[1]}"], case
        assert f"Priya Sample  {commit[:7]}  By hand" in alert, case
        assert "own finding" not in alert
        assert f"git checkout work/{path(case)} && git merge origin/main" in alert
