"""What routing decides with, and what it decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.pull_request_state import PullRequestState
from bot.teams_model import ConversationKind


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A conversation that may be told, and one of its subscriptions.

    Only active conversations and subscriptions that are not paused come here. ``repository`` ("" is
    all of the project) may hold wildcards that match whole names; ``target_branches`` are
    patterns, ``!`` negates. ``drafts``: silent, announce or published.
    """

    conversation_id: str
    kind: ConversationKind
    project: str
    repository: str
    target_branches: tuple[str, ...]
    drafts: str
    created_at: datetime


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
    connection. ``actor`` is the person who made Pullcord do it, if one did.
    """

    before: PullRequestState | None
    state: PullRequestState
    subscribers: tuple[Subscriber, ...]
    posted: frozenset[str]
    people: Mapping[str, Contact]
    watched_since: datetime
    actor: int | None = None

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
    """One plain sentence below the card. ``key`` makes it be told once."""

    conversation_id: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """One plain sentence to one person.

    ``with_card`` sends the pull request's card with it, for the one who must act now; ``page``
    is the part of the pull request's page that the button opens ("", files, conflicts).
    """

    person_id: int
    text: str
    key: str
    with_card: bool = False
    page: str = ""


Notice = RefreshCard | ThreadReply | DirectMessage
