"""Where a subscription tells each kind of event, and which kind a change is. Pure."""

from dataclasses import dataclass

from bot.changes import (
    BecameReady,
    Change,
    ChecksFailed,
    ChecksFixed,
    CloserIdentified,
    CommentPosted,
    CommitsPushed,
    ConflictEnded,
    ConflictStarted,
    MergeFailed,
    PullRequestAbandoned,
    PullRequestCompleted,
    PullRequestCreated,
    PullRequestPublished,
    PullRequestReactivated,
    ReturnedToDraft,
    ReviewerAdded,
    ReviewerMadeRequired,
    TargetChanged,
    VoteCast,
)
from bot.model import PullRequestStatus
from bot.notices.kinds import EventKind, Place
from bot.notices.texts import mentioned
from bot.teams_model import ConversationKind

DEFAULTS: dict[EventKind, Place] = {
    EventKind.CREATED: Place.CARD,
    EventKind.PUBLISHED: Place.THREAD,
    EventKind.REVIEW_ASKED: Place.CARD,
    EventKind.COMMITS: Place.CARD,
    EventKind.VOTE: Place.THREAD,
    EventKind.COMMENT: Place.THREAD,
    EventKind.MENTION: Place.THREAD,
    EventKind.CHECKS: Place.CARD,
    EventKind.CONFLICT: Place.THREAD,
    EventKind.READY: Place.CARD,
    EventKind.COMPLETED: Place.THREAD,
    EventKind.ABANDONED: Place.THREAD,
    EventKind.TICKET: Place.OFF,
    EventKind.BUILD: Place.CHANNEL,
}
"""Quiet: the card says by itself that it is new, has other commits, is approved, and how its checks
stand."""

KINDS: dict[type, EventKind] = {
    PullRequestCreated: EventKind.CREATED,
    PullRequestReactivated: EventKind.PUBLISHED,
    PullRequestPublished: EventKind.PUBLISHED,
    ReturnedToDraft: EventKind.PUBLISHED,
    ReviewerAdded: EventKind.REVIEW_ASKED,
    ReviewerMadeRequired: EventKind.REVIEW_ASKED,
    CommitsPushed: EventKind.COMMITS,
    TargetChanged: EventKind.COMMITS,
    VoteCast: EventKind.VOTE,
    ChecksFailed: EventKind.CHECKS,
    ChecksFixed: EventKind.CHECKS,
    ConflictStarted: EventKind.CONFLICT,
    ConflictEnded: EventKind.CONFLICT,
    MergeFailed: EventKind.CONFLICT,
    BecameReady: EventKind.READY,
    PullRequestCompleted: EventKind.COMPLETED,
    PullRequestAbandoned: EventKind.ABANDONED,
}


@dataclass(frozen=True, slots=True)
class Places:
    """What a subscription chose otherwise than the defaults, as pairs in the order of the kinds."""

    chosen: tuple[tuple[EventKind, Place], ...] = ()

    def of(self, kind: EventKind, where: ConversationKind = ConversationKind.CHANNEL) -> Place:
        """Where this kind goes in a conversation.

        A personal chat has the card that stays up to date; what concerns the person is written to
        him anyway.
        """
        for each, place in self.chosen:
            if each is kind:
                return place
        default = DEFAULTS[kind]
        is_reply = where is ConversationKind.PERSONAL and default is Place.THREAD
        return Place.CARD if is_reply else default

    def changed(self, kinds: dict[EventKind, Place]) -> "Places":
        """These with other places for some kinds."""
        both = {**dict(self.chosen), **kinds}
        return Places(tuple((kind, both[kind]) for kind in EventKind if kind in both))


DEFAULT_PLACES = Places()


def kind_of(change: Change) -> EventKind | None:
    """The kind of event that a change is; None for what nobody is told."""
    match change:
        case CommentPosted(comment=comment):
            return EventKind.MENTION if mentioned(comment.text) else EventKind.COMMENT
        case CloserIdentified(status=status):
            is_completed = status is PullRequestStatus.COMPLETED
            return EventKind.COMPLETED if is_completed else EventKind.ABANDONED
    return KINDS.get(type(change))
