"""What routing decides with, and what it decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model import Identity
from bot.notices.filters import EVERYTHING, NO_FACTS, Facts, Filters
from bot.notices.kinds import EventKind
from bot.notices.lateness import Late
from bot.notices.places import DEFAULT_PLACES, Places
from bot.notices.reasons import Role
from bot.notices.review import ReviewPart
from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A conversation that may be told, and one of its subscriptions.

    Only active conversations and subscriptions that are not paused come here. ``repository`` ("" is
    all of the project) may hold wildcards that match whole names. ``person_id`` is whose chat it
    is, 0 for channels and group chats.
    """

    conversation_id: str
    kind: ConversationKind
    project: str
    repository: str
    created_at: datetime
    filters: Filters = EVERYTHING
    places: Places = DEFAULT_PLACES
    person_id: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class UnreadableSubscription:
    """A subscription whose settings cannot be read: nothing is told under it but this."""

    id: int
    conversation_id: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Contact:
    """The Teams person behind an Azure DevOps identity."""

    person_id: int
    name: str = ""
    personal_conversation_id: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """A pull request after a change, and all who may care.

    ``before`` is None at first sight. ``posted`` are the conversations that have its card.
    ``people`` maps identity ids to persons. ``watched_since`` is when Pullcord began to look at the
    connection; where nothing can be older, it is long ago. ``actor`` is the person who made
    Pullcord do it, if one did. ``facts`` are what filters need beside the pull request itself.
    ``reviewed`` is the commit of each reviewer's last vote by identity id, ``participants`` who
    wrote in the threads that are commented on. ``mentioned`` are the names of those whom comments
    mention, by identity id in lower case, also of those who are not in Teams.
    """

    before: PullRequestState | None
    state: PullRequestState
    subscribers: tuple[Subscriber, ...]
    posted: frozenset[str]
    people: Mapping[str, Contact]
    watched_since: datetime
    actor: int | None = None
    facts: Facts = NO_FACTS
    unreadable: tuple[UnreadableSubscription, ...] = ()
    reviewed: Mapping[str, str] = field(default_factory=dict)
    participants: frozenset[str] = frozenset()
    mentioned: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``connection/number``."""
        return f"{self.state.connection}/{self.state.number}"


@dataclass(frozen=True, slots=True)
class RefreshCard:
    """The conversation's card is out of date, or must be posted."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """One plain sentence below the card. ``key`` makes it be told once.

    ``parts`` are the votes and comments that it tells of: with others of the same review, which
    come within a short time, they become one reply. ``about`` stands before it where there are
    no threads. ``late``: how late it is told, None when it is not.
    """

    conversation_id: str
    text: str
    key: str
    parts: tuple[ReviewPart, ...] = ()
    about: str = ""
    late: Late | None = None


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """One plain sentence about the pull request as a message of its own in a conversation."""

    conversation_id: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class SubscriptionTrouble:
    """A conversation must be told that one of its subscriptions cannot be read."""

    subscription: UnreadableSubscription
    key: str


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """One plain sentence to one person.

    ``with_card`` sends the pull request's card with it, for the one who must act now; ``page``
    is the part of the pull request's page that the button opens ("", files, conflicts).
    ``kind`` is what the person's settings choose by, ``role`` why it is this person. ``parts`` and
    ``late`` as in ThreadReply. ``since`` is the commit that the person knows: what has changed from
    there is asked for before it is told. ``run_url`` is the page of a check's run that failed, not
    checked yet.
    """

    person_id: int
    text: str
    key: str
    with_card: bool = False
    page: str = ""
    kind: EventKind = EventKind.COMMENT
    role: Role = Role.SUBSCRIBER
    parts: tuple[ReviewPart, ...] = ()
    since: str = ""
    run_url: str = ""
    late: Late | None = None


@dataclass(frozen=True, slots=True)
class GroupAsk:
    """A group's review is asked for: of its members, or of one of them.

    ``cause`` names the asking, so that nobody is asked twice for it. ``late`` as in ThreadReply.
    """

    group: Identity
    cause: str
    key: str
    late: Late | None = None


Notice = RefreshCard | ThreadReply | OwnMessage | DirectMessage | GroupAsk | SubscriptionTrouble
