"""The story that the demo plays: from a pull request to a conflict and its end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.sandbox.azure_devops.pull_requests.model import SandboxPullRequest
from adapters.sandbox.teams import Message, render_text
from bot.cli.demo.stage import CHECKOUT, CONNECTION, JONAS, MAYA, PRIYA, SamplePerson, Stage
from storage.queries import links

TICKET_OF_MAYA, TICKET = 120, 123
ROUNDED = CHECKOUT.replace("sum(prices)", "round(sum(prices), 2)").replace("4.90", "4.99")
PICKUP = CHECKOUT.replace("return 4.90", "return 0 if weight_kg == 0 else 4.90")
BOTH = ROUNDED.replace("return 4.99", "return 0 if weight_kg == 0 else 4.99")


@dataclass
class Story:
    """The story's steps, in order, and what they made."""

    stage: Stage
    first: SandboxPullRequest | None = None
    second: SandboxPullRequest | None = None
    steps: list[tuple[str, Callable[[], Awaitable[object]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = [
            ("Pullcord is added to the team Shop and to two personal chats.", self.install),
            ("Priya subscribes the channel to the project.", self.subscribe),
            ("Maya opens a pull request and asks Jonas for a review.", self.open_first),
            ("Jonas, who got a direct message, approves.", self.approve_first),
            ("Priya says: start ticket 123.", self.start_ticket),
            ("Priya works on her branch and publishes the pull request.", self.work),
            ("Maya completes hers. Both changed the same line: a conflict.", self.complete_first),
            ("Priya, who was told, merges main and resolves it.", self.resolve),
            ("Jonas approves, and Priya completes her pull request.", self.complete_second),
        ]

    def person(self, key: str) -> SamplePerson:
        """One of the sample people."""
        return self.stage.people[key]

    async def install(self) -> None:
        """People add the bot; tickets and a first branch are there."""
        stage, board = self.stage, self.stage.azure_devops
        assert stage.channel.team is not None
        await stage.teams.install(stage.channel.team, by=self.person(PRIYA).teams)
        for key in (MAYA, JONAS, PRIYA):
            await stage.teams.install(stage.teams.personal_chat(self.person(key).teams))
        board.add_work_item(
            stage.project,
            "User Story",
            "Round the total to whole cents",
            number=TICKET_OF_MAYA,
            assigned_to=self.person(MAYA).azure_devops.unique_name,
        )
        board.add_work_item(
            stage.project,
            "User Story",
            "Free shipping for pick-up at the shop",
            number=TICKET,
            description="<p>Who picks up the goods pays <b>no shipping</b>.</p>",
            acceptance_criteria="<ul><li>Weight 0 means pick-up</li><li>Shipping is 0</li></ul>",
        )

    async def subscribe(self) -> None:
        """A command in the channel."""
        await self.stage.teams.say(
            self.person(PRIYA).teams, self.stage.channel, "subscribe Shop/web"
        )

    async def open_first(self) -> None:
        """A branch, a commit, a pull request with a reviewer."""
        stage, maya = self.stage, self.person(MAYA).azure_devops
        await stage.azure_devops.commit(
            stage.repository,
            "feature/120-round-total",
            {"checkout.py": ROUNDED},
            maya,
            "Round the total",
        )
        self.first = await stage.azure_devops.create_pull_request(
            stage.repository,
            maya,
            "feature/120-round-total",
            title="Round the total to whole cents",
            description="Totals had fractions of a cent.",
            reviewers=[self.person(JONAS).azure_devops],
            work_items=[TICKET_OF_MAYA],
        )

    async def approve_first(self) -> None:
        """A vote in Azure DevOps."""
        assert self.first is not None
        await self.stage.azure_devops.vote(self.first, self.person(JONAS).azure_devops, 10)

    async def start_ticket(self) -> None:
        """The command that makes branch, file, pull request, reviewer and state."""
        await self.stage.teams.say(
            self.person(PRIYA).teams, self.stage.channel, f"start ticket {TICKET}"
        )

    async def work(self) -> None:
        """A commit on the branch that was made, and publishing."""
        stage, priya = self.stage, self.person(PRIYA).azure_devops
        self.second = _started(stage)
        branch = self.second.source_ref.removeprefix("refs/heads/")
        await stage.azure_devops.commit(
            stage.repository, branch, {"checkout.py": PICKUP}, priya, "Free pick-up"
        )
        await stage.azure_devops.publish(self.second, priya)

    async def complete_first(self) -> None:
        """The target moves under the second pull request."""
        assert self.first is not None
        await self.stage.azure_devops.complete(self.first, self.person(MAYA).azure_devops)

    async def resolve(self) -> None:
        """A merge by hand, as Pullcord never does it by itself."""
        assert self.second is not None
        branch = self.second.source_ref.removeprefix("refs/heads/")
        await self.stage.azure_devops.merge_branch(
            self.stage.repository,
            branch,
            "main",
            self.person(PRIYA).azure_devops,
            resolved={"checkout.py": BOTH},
        )

    async def complete_second(self) -> None:
        """The end."""
        assert self.second is not None
        board = self.stage.azure_devops
        await board.vote(self.second, self.person(JONAS).azure_devops, 10)
        await self.stage.settle()
        await board.complete(self.second, self.person(PRIYA).azure_devops)

    async def outcome(self) -> list[tuple[bool, str]]:
        """What must be true at the end, point by point."""
        stage = self.stage
        assert self.first is not None and self.second is not None
        first, second = self.first.id, self.second.id
        cards = {n: _cards(stage.channel.messages, n) for n in (first, second)}
        thread = "\n".join(render_text(m) for card in cards[second] for m in card.replies)
        jonas = _chat_text(stage, JONAS)
        priya = _chat_text(stage, PRIYA)
        item = stage.azure_devops.work_item(TICKET)
        async_links = await stage.bot.db.read(lambda s: links.of_ticket(s, CONNECTION, TICKET))
        file = await stage.azure_devops.read_file(stage.repository, f".tickets/{TICKET}.md", "main")
        return [
            (len(cards[first]) == 1, f"one card for pull request {first} in the channel"),
            (len(cards[second]) == 1, f"one card for pull request {second} in the channel"),
            (_shows(cards[first], "completed"), f"the card of {first} says completed"),
            (_shows(cards[second], "completed"), f"the card of {second} says completed"),
            ("Round the total" in jonas, "Jonas was asked for a review in his chat"),
            ("conflicts with main" in priya.lower(), "Priya was told of the conflict in her chat"),
            ("checkout.py" in priya, "the alert named the file"),
            ("Maya Sample" in priya, "the alert named who changed it on main"),
            (thread.lower().count("conflicts with") == 1, "the thread tells the conflict once"),
            (thread.lower().count("clean again") == 1, "the thread tells once that it is clean"),
            (item.fields.get("System.State") == "Active", "ticket 123 is Active"),
            (any(link.pull_request == second for link in async_links), "ticket 123 is linked"),
            (file is not None, ".tickets/123.md came to main with the merge"),
        ]


def _started(stage: Stage) -> SandboxPullRequest:
    """The pull request that ``start ticket`` opened."""
    for pull_request in stage.azure_devops.pull_requests:
        if f"{TICKET}-" in pull_request.source_ref:
            return pull_request
    raise LookupError("start ticket 123 opened no pull request")


def _cards(messages: list[Message], number: int) -> list[Message]:
    """The living cards of a pull request: root messages whose card names it first."""
    return [m for m in messages if m.from_bot and _names(m, number)]


def _names(message: Message, number: int) -> bool:
    """Whether the card's first line is of this pull request."""
    return render_text(message).partition("\n")[0].endswith(f"#{number}")


def _shows(messages: list[Message], word: str) -> bool:
    return all(word in render_text(message).lower() for message in messages)


def _chat_text(stage: Stage, key: str) -> str:
    chat = stage.teams.personal_chat(stage.people[key].teams)
    return "\n".join(render_text(message) for message in chat.messages if message.from_bot)
