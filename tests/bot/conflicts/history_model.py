"""What must become of pull requests in a random history: plain dictionaries, no git, no database.

A file holds one line. A file is in conflict when source and target both changed it since they
parted, and differ. Targets are straight lines of commits, so where two branches parted is the last
commit of the target that the source knows.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

FLAP = timedelta(minutes=5)

Files = dict[str, str]


@dataclass
class ModelEpisode:
    """``ended_by`` "" while it goes on; ``flaps``: how often it came back.

    ``told`` in the channel, ``author_told`` in person. ``cleaned``: its end was told as "Clean
    again", which is said once however often it comes back.
    """

    ended_at: datetime | None = None
    ended_by: str = ""
    told: bool = False
    author_told: bool = False
    cleaned: bool = False
    flaps: int = 0


@dataclass(eq=False)
class ModelPullRequest:
    """``knows`` are the target commits that the source contains.

    ``trial`` is (serial, in conflict) of Azure DevOps' last trial merge. What begins with ``seen``
    is what Pullcord can know; ``has_card``: it was seen open; ``news`` is what was said of its
    closing and reopening.
    """

    target: str
    files: Files
    knows: set[int]
    status: str = "active"
    trial: tuple[int, bool] = (0, False)
    seen_trial: int = -1
    seen_status: str = ""
    seen_target: str = ""
    seen_conflict: bool = False
    has_card: bool = False
    news: list[str] = field(default_factory=list)
    episodes: list[ModelEpisode] = field(default_factory=list)

    @property
    def is_seen_blocked(self) -> bool:
        """Whether Pullcord knows of conflicts."""
        return self.seen_status == "active" and self.seen_conflict


class Model:
    """Branches, pull requests, and what of them has been seen.

    ``remerges``: whether Azure DevOps merges on trial again when a target moves.
    """

    def __init__(self, targets: tuple[str, ...], files: Files, *, remerges: bool = False) -> None:
        self._remerges = remerges
        self._numbers = count(1)
        self._content = {0: files}
        self.lines = {target: [0] for target in targets}
        self.pull_requests: list[ModelPullRequest] = []

    # --- what people do -----------------------------------------------------------------------

    def push(self, target: str, files: Files) -> None:
        self._add(target, self.tip(target) | files)

    def reset(self, target: str) -> None:
        """The branch is forced back by one commit."""
        self.lines[target].pop()
        self._moved(target)

    def replace(self, target: str, files: Files) -> None:
        """The last commit is replaced by another one."""
        self.lines[target].pop()
        self.push(target, files)

    def open(self, target: str, files: Files) -> ModelPullRequest:
        made = ModelPullRequest(target, self.tip(target) | files, set(self.lines[target]))
        self.pull_requests.append(made)
        self._try(made)
        return made

    def more(self, one: ModelPullRequest, files: Files) -> None:
        one.files |= files
        self._try(one)

    def merge_in(self, one: ModelPullRequest, text: str) -> list[str]:
        """The author merges the target; the files in conflict, which become ``text``."""
        conflicts = self.conflicts(one)
        one.files = self.merged(one) | dict.fromkeys(conflicts, text)
        one.knows |= set(self.lines[one.target])
        self._try(one)
        return conflicts

    def rebase(self, one: ModelPullRequest, files: Files) -> None:
        one.files = self.tip(one.target) | files
        one.knows = set(self.lines[one.target])
        self._try(one)

    def complete(self, one: ModelPullRequest) -> bool:
        """Squash it into its target; False when it has conflicts."""
        self._try(one)
        if self.conflicts(one):
            return False
        merged, one.status = self.merged(one), "completed"
        self._add(one.target, merged)
        return True

    def retarget(self, one: ModelPullRequest, target: str) -> None:
        one.target = target
        self._try(one)

    def reactivate(self, one: ModelPullRequest) -> None:
        one.status = "active"
        self._try(one)

    # --- what is true -------------------------------------------------------------------------

    def tip(self, target: str) -> Files:
        return self._content[self.lines[target][-1]]

    def conflicts(self, one: ModelPullRequest) -> list[str]:
        base, tip = self._base(one), self.tip(one.target)
        return [
            name
            for name, mine in one.files.items()
            if mine != base[name] and tip[name] != base[name] and mine != tip[name]
        ]

    def merged(self, one: ModelPullRequest) -> Files:
        base, tip = self._base(one), self.tip(one.target)
        return {name: mine if mine != base[name] else tip[name] for name, mine in one.files.items()}

    def _base(self, one: ModelPullRequest) -> Files:
        known = [commit for commit in self.lines[one.target] if commit in one.knows]
        return self._content[known[-1]]

    def _add(self, target: str, files: Files) -> None:
        number = next(self._numbers)
        self._content[number] = files
        self.lines[target].append(number)
        self._moved(target)

    def _moved(self, target: str) -> None:
        if self._remerges:
            for one in self._open():
                if one.target == target:
                    self._try(one)

    def _try(self, one: ModelPullRequest) -> None:
        """Azure DevOps merges on trial."""
        one.trial = (one.trial[0] + 1, bool(self.conflicts(one)))

    # --- what is seen -------------------------------------------------------------------------

    def see(self, one: ModelPullRequest, now: datetime) -> None:
        """A pull request is read: Azure DevOps' word counts where it is a new one."""
        serial, conflict = one.trial
        if serial != one.seen_trial:
            one.seen_conflict = conflict
        if one.seen_status and one.seen_status != one.status:
            one.news.append(one.status)
        one.seen_trial, one.seen_status, one.seen_target = serial, one.status, one.target
        one.has_card = one.has_card or one.status == "active"
        self._follow(one, now)

    def see_push(self, target: str, now: datetime) -> None:
        """A push to a target is heard of. Nobody looks when nothing open is known to go there."""
        stored = [one for one in self._seen_open() if one.seen_target == target]
        if not stored:
            return
        listed = [one for one in self._open() if one.target == target]
        for one in [*listed, *(one for one in stored if one not in listed)]:
            self.see(one, now)
        self._merge_on_trial(target, now)

    def see_source_push(self, one: ModelPullRequest, now: datetime) -> None:
        if one in self._seen_open():
            self.see(one, now)

    def sweep(self, now: datetime) -> None:
        """Everything that is open, or was when it was last seen, is looked at."""
        listed = self._open()
        for one in [*listed, *(one for one in self._seen_open() if one not in listed)]:
            self.see(one, now)
        for target in self.lines:
            self._merge_on_trial(target, now)

    def tell(self) -> None:
        """What goes on is told in the channel, and so is the end of what was told."""
        for last in self._last_episodes():
            last.told = last.told or last.ended_at is None
            last.cleaned = last.cleaned or (last.told and last.ended_by == "clean")

    def settle(self) -> None:
        """Everybody hears of what goes on."""
        self.tell()
        for last in self._last_episodes():
            last.author_told = last.author_told or last.ended_at is None

    def _last_episodes(self) -> list[ModelEpisode]:
        return [each for one in self.pull_requests for each in one.episodes[-1:]]

    def _merge_on_trial(self, target: str, now: datetime) -> None:
        for one in self._seen_open():
            if one.seen_target == target:
                one.seen_conflict = bool(self.conflicts(one))
                self._follow(one, now)

    def _follow(self, one: ModelPullRequest, now: datetime) -> None:
        last = one.episodes[-1] if one.episodes else None
        if last is not None and last.ended_at is None:
            if not one.is_seen_blocked:
                last.ended_at = now
                last.ended_by = "clean" if one.seen_status == "active" else one.seen_status
        elif one.is_seen_blocked:
            if last is not None and last.ended_by == "clean" and _is_flap(last, now):
                last.ended_at, last.ended_by = None, ""
                last.flaps += 1
            else:
                one.episodes.append(ModelEpisode())

    def _open(self) -> list[ModelPullRequest]:
        return [one for one in self.pull_requests if one.status == "active"]

    def _seen_open(self) -> list[ModelPullRequest]:
        return [one for one in self.pull_requests if one.seen_status == "active"]


def _is_flap(last: ModelEpisode, now: datetime) -> bool:
    return last.ended_at is not None and now - last.ended_at <= FLAP
