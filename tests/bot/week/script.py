"""What the team does in its week: sixty pull requests, drawn with a seed, as plain data."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from random import Random

from tests.bot.conflicts.history_world import Where
from tests.bot.week.team import DAY, TEAM

PULL_REQUESTS = 60
SLOT = 5  # minutes; nothing else happens within one
FIRST_MINUTE = 2  # no step falls on a moment at which anybody's work begins
TARGETS = {"web": ("main", "release"), "api": ("main", "next")}
COLLISIONS = (10, 24, 38)
"""Of these and the next one: both add the same file, and this one is completed first."""
NEEDLE = "pay"
"""In the titles that the second channel wants to hear of."""


class What(StrEnum):
    """What somebody does."""

    OPEN = "open"
    PUBLISH = "publish"
    REVIEW = "review"
    PUSH = "push"
    COMPLETE = "complete"
    ABANDON = "abandon"
    AWAY = "away"
    SNOOZE = "snooze"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request as it is opened."""

    number: int
    repository: str
    target: str
    author: str
    reviewers: tuple[str, ...]
    is_draft: bool
    file: str

    @property
    def title(self) -> str:
        return f"Change {NEEDLE if self.number % 3 == 0 else 'search'} {self.number}"

    @property
    def name(self) -> str:
        return f"#{self.number} {self.title}"


@dataclass(frozen=True, slots=True)
class Said:
    """A comment: in the first thread of the pull request or in a new one, perhaps to somebody."""

    text: str
    is_reply: bool = False
    to: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What ``who`` does at a minute of the week.

    ``killed`` is how far its consequences have come when Pullcord's process dies. ``away`` is the
    first day of an absence and the first day back, ``until`` the minute at which a snooze ends.
    """

    minute: int
    what: What
    who: str
    number: int = 0
    vote: int | None = None
    said: tuple[Said, ...] = ()
    killed: Where | None = None
    away: tuple[date, date] | None = None
    until: int = 0


@dataclass
class Script:
    """A week."""

    seed: int
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._free = [True] * (6 * DAY // SLOT)
        opened = sorted(self._random.sample(range(4 * DAY // SLOT), PULL_REQUESTS))
        for number, slot in enumerate(opened, 1):
            self._free[slot] = False
            self.pull_requests[number] = self._drawn(number)
            self.steps += self._life(self.pull_requests[number], slot * SLOT + FIRST_MINUTE)
        self.steps += self._choices()
        self.steps.sort(key=lambda step: step.minute)
        self._kill(Where.STORED, What.REVIEW, after=1 * DAY)
        self._kill(Where.SENDING, What.OPEN, after=3 * DAY)

    # --- what is opened -----------------------------------------------------------------------

    def _drawn(self, number: int) -> PullRequest:
        repository = self._random.choice(sorted(TARGETS))
        target = self._random.choice(TARGETS[repository])
        author, *reviewers = (m.key for m in self._random.sample(TEAM, self._random.choice((2, 3))))
        drawn = PullRequest(
            number=number,
            repository=repository,
            target=target,
            author=author,
            reviewers=tuple(reviewers),
            is_draft=self._random.random() < 0.2,
            file=f"part-{number}.txt",
        )
        if number in COLLISIONS:
            return replace(drawn, repository="web", target="main", is_draft=False)
        if number - 1 in COLLISIONS:
            first = self.pull_requests[number - 1]
            others = [m.key for m in TEAM if m.key not in (first.author, *first.reviewers)]
            author, reviewer = self._random.sample(others, 2)
            return PullRequest(number, "web", "main", author, (reviewer,), False, first.file)
        return drawn

    # --- what happens to it -------------------------------------------------------------------

    def _life(self, made: PullRequest, minute: int) -> Iterator[Step]:
        yield Step(minute, What.OPEN, made.author, made.number)
        if made.is_draft:
            minute = self._later(minute)
            yield Step(minute, What.PUBLISH, made.author, made.number)
        for step in self._acts(made):
            minute = self._later(minute)
            yield replace(step, minute=minute)

    def _acts(self, made: PullRequest) -> Iterator[Step]:
        """Until it is completed, abandoned or left alone. Minutes are filled in later."""
        if made.number - 1 in COLLISIONS:
            return
        ending = 0.0 if made.number in COLLISIONS else self._random.random()
        first = made.reviewers[0]
        if ending > 0.85:  # nobody looks at it
            return
        if ending > 0.6:
            yield from self._sent_back(made, first)
        elif ending > 0.3:
            yield self._talks(made, first)
        yield from self._talk(made)
        if ending > 0.75:
            by = self._random.choice((made.author, first))
            yield Step(0, What.ABANDON, by, made.number)
            return
        said = (Said("Good work"),) * self._random.choice((0, 0, 1, 2))
        yield Step(0, What.REVIEW, first, made.number, vote=10, said=said)
        for other in made.reviewers[1:]:
            if self._random.random() < 0.4:
                yield Step(0, What.REVIEW, other, made.number, vote=5)
        if ending < 0.55:
            by = self._random.choice((made.author, made.reviewers[-1]))
            yield Step(0, What.COMPLETE, by, made.number)

    def _sent_back(self, made: PullRequest, reviewer: str) -> Iterator[Step]:
        said = (Said("Why twice"), Said("A test is missing"))[: self._random.choice((0, 1, 2))]
        vote = self._random.choice((-5, -10))
        yield Step(0, What.REVIEW, reviewer, made.number, vote=vote, said=said)
        for _ in range(self._random.choice((1, 2))):
            yield Step(0, What.PUSH, made.author, made.number)

    def _talk(self, made: PullRequest) -> Iterator[Step]:
        """Sometimes: a question in a thread, the author's answer, and somebody is called."""
        if self._random.random() < 0.6:
            return
        asks = made.reviewers[-1]
        yield Step(0, What.REVIEW, asks, made.number, said=(Said("What is this for"),))
        answer = Said("See the ticket", is_reply=True)
        yield Step(0, What.REVIEW, made.author, made.number, said=(answer,))
        others = [m.key for m in TEAM if m.key not in (made.author, asks)]
        called = Said("can you say", is_reply=True, to=self._random.choice(others))
        yield Step(0, What.REVIEW, asks, made.number, said=(called,))

    def _talks(self, made: PullRequest, reviewer: str) -> Step:
        said = tuple(Said(f"Remark {n}") for n in range(1, self._random.choice((2, 3, 5))))
        return Step(0, What.REVIEW, reviewer, made.number, said=said)

    def _later(self, minute: int) -> int:
        """The first free slot some time afterwards."""
        slot = (minute + self._random.choice((10, 25, 60, 150, 400, 900))) // SLOT
        while not self._free[slot]:
            slot += 1
        self._free[slot] = False
        return slot * SLOT + FIRST_MINUTE

    # --- what people choose, and what goes wrong ----------------------------------------------

    def _choices(self) -> Iterator[Step]:
        """Absence from Wednesday, a day off, snoozes, and enough of one pull request."""
        minute = DAY // 2
        for step in (
            Step(0, What.AWAY, "maya", away=(date(2026, 11, 25), date(2026, 11, 30))),
            Step(0, What.AWAY, "david", away=(date(2026, 11, 24), date(2026, 11, 25))),
            Step(0, What.AWAY, "haruto", away=(date(2026, 11, 26), date(2026, 11, 28))),
        ):
            minute = self._later(minute)
            yield replace(step, minute=minute)
        for who, day, hours in (("carol", 1, 30), ("priya", 2, 6), ("jonas", 3, 4)):
            minute = self._later(day * DAY + 9 * 60)
            yield Step(minute, What.SNOOZE, who, until=minute + hours * 60)
        for number in (5, 17, 31, 40):
            made = self.pull_requests[number]
            begun = next(s.minute for s in self.steps if s.number == number)
            yield Step(self._later(begun), What.MUTE, made.author, number)

    def _kill(self, where: Where, what: What, *, after: int) -> None:
        at = next(
            index
            for index, step in enumerate(self.steps)
            if step.minute > after and step.what is what
        )
        self.steps[at] = replace(self.steps[at], killed=where)
