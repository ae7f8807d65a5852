"""What "start ticket" is asked and what it answers, independent of Teams."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.identities import actor_of
from bot.ports import AzureDevOpsError
from storage.tables import Person


@dataclass(frozen=True, slots=True)
class StartTicketRequest:
    """One order to start a ticket.

    ``connection`` and ``url`` (the pasted address of the ticket) are mostly empty.
    ``repository`` is a name or ``PROJECT/NAME``, empty for the conversation's. ``base_branch``
    empty means the default branch.
    ``anyway``: take the ticket over from somebody else, or start it although it is finished.
    ``cause`` names the Teams activity; the same cause again resumes at once.
    """

    ticket: int
    asker: Person
    conversation_id: str
    cause: str
    connection: str = ""
    url: str = ""
    repository: str = ""
    base_branch: str = ""
    wants_pull_request: bool = True
    anyway: bool = False

    @property
    def actor(self) -> str:
        """How the audit names the person who asks."""
        return actor_of(self.asker)


class Step(StrEnum):
    """The steps in their order; also the names under which a run records them."""

    BRANCH = "branch"
    FILE = "file"
    PULL_REQUEST = "pull_request"
    REVIEWER = "reviewer"
    ASSIGNED = "assigned"
    STATE = "state"
    LINKS = "links"


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    WAS_THERE = "was_there"
    LEFT_OUT = "left_out"
    NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step as told to people. ``detail`` is a short text: a name, or why not."""

    step: Step
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StartedTicket:
    """The ticket is started, or as far as it went: ``failure`` says in one sentence why not.

    ``pull_request`` is 0 when there is none. ``is_new`` is False when nothing was left to do.
    """

    connection: str
    ticket: int
    title: str
    ticket_url: str
    repository: str
    branch: str = ""
    pull_request: int = 0
    pull_request_url: str = ""
    steps: tuple[StepReport, ...] = ()
    failure: str = ""
    is_new: bool = True

    @property
    def is_done(self) -> bool:
        """Whether every step was done, was there already, or is left out on purpose."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class RepositoryWanted:
    """Several repositories fit: ask. ``names`` are as ``in NAME`` takes them."""

    ticket: int
    names: tuple[str, ...]
    reason: str


class Refusal(StrEnum):
    """Why nothing was begun."""

    NO_CONNECTION = "no_connection"
    NO_REPOSITORY = "no_repository"
    NOT_LINKED = "not_linked"
    NO_TICKET = "no_ticket"
    NO_BRANCH = "no_branch"
    FINISHED = "finished"
    TAKEN = "taken"
    RUNNING = "running"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class StartRefused:
    """Nothing was begun; ``message`` says why and what to do, in plain words.

    ``suggestions`` are repository names near the one given. ``error`` is what Azure DevOps answered
    where that is the reason.
    """

    ticket: int
    refusal: Refusal
    message: str
    ticket_url: str = ""
    suggestions: tuple[str, ...] = field(default=())
    error: AzureDevOpsError | None = None


StartTicketResult = StartedTicket | RepositoryWanted | StartRefused
