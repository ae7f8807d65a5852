"""The kinds of events people hear of, and the places where they can be told."""

from enum import StrEnum


class EventKind(StrEnum):
    """What a message is about. Subscriptions and people choose by these."""

    CREATED = "created"
    PUBLISHED = "published"
    REVIEW_ASKED = "review asked"
    COMMITS = "commits"
    VOTE = "vote"
    COMMENT = "comment"
    MENTION = "mention"
    CHECKS = "checks"
    CONFLICT = "conflict"
    READY = "ready"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    TICKET = "ticket"
    BUILD = "build"


class Place(StrEnum):
    """Where a conversation or a person is told of a kind of event.

    ``card``: only the living card shows it. ``thread``: a reply below the card. ``channel``: a
    message of its own. ``direct``: a direct message to those whom it concerns, instead of a reply.
    ``off``: not at all, although the card always shows the latest state.
    """

    CARD = "card"
    THREAD = "thread"
    CHANNEL = "channel"
    DIRECT = "direct"
    OFF = "off"
