"""Why somebody was told: his role, and how he changes it."""

from enum import StrEnum

from bot.notices.kinds import EventKind


class Role(StrEnum):
    """What makes a person the one whom it concerns."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    GROUP_MEMBER = "member"
    MENTIONED = "mentioned"
    PARTICIPANT = "participant"
    ASSIGNED = "assigned"
    SUBSCRIBER = "subscriber"


ROLE_SENTENCES = {
    Role.AUTHOR: "It is your pull request.",
    Role.REVIEWER: "You are a reviewer of this pull request.",
    Role.GROUP_MEMBER: "You are in a group that is a reviewer of this pull request.",
    Role.MENTIONED: "A comment mentions you.",
    Role.PARTICIPANT: "You wrote in this thread of comments.",
    Role.ASSIGNED: "The ticket is assigned to you.",
    Role.SUBSCRIBER: "You, or a conversation that you are in, follow this repository.",
}

KIND_TITLES = {
    EventKind.CREATED: "New pull requests",
    EventKind.PUBLISHED: "Drafts that are published",
    EventKind.REVIEW_ASKED: "My review is asked for",
    EventKind.COMMITS: "New commits",
    EventKind.VOTE: "Votes on mine",
    EventKind.COMMENT: "Comments and replies",
    EventKind.MENTION: "I am mentioned",
    EventKind.CHECKS: "Checks failed or fixed",
    EventKind.CONFLICT: "Merge conflicts of mine",
    EventKind.READY: "Mine can be completed",
    EventKind.COMPLETED: "Mine was completed",
    EventKind.ABANDONED: "Mine was abandoned",
    EventKind.TICKET: "Tickets assigned to me",
    EventKind.BUILD: "Builds",
}

PERSONAL_KINDS = (
    EventKind.REVIEW_ASKED,
    EventKind.MENTION,
    EventKind.VOTE,
    EventKind.COMMENT,
    EventKind.CHECKS,
    EventKind.CONFLICT,
    EventKind.READY,
    EventKind.COMPLETED,
    EventKind.ABANDONED,
    EventKind.TICKET,
    EventKind.BUILD,
)
"""Those that a person can be told directly, in the order of the settings."""
