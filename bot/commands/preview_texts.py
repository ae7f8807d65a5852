"""A preview in words."""

from bot.notices.kinds import EventKind
from bot.subscription_preview import Preview

COUNTED = {
    EventKind.CREATED: ("new card", "new cards"),
    EventKind.PUBLISHED: ("published", "published"),
    EventKind.REVIEW_ASKED: ("review asked for", "reviews asked for"),
    EventKind.COMMITS: ("push", "pushes"),
    EventKind.VOTE: ("vote", "votes"),
    EventKind.COMMENT: ("comment", "comments"),
    EventKind.MENTION: ("mention", "mentions"),
    EventKind.CHECKS: ("change of checks", "changes of checks"),
    EventKind.CONFLICT: ("merge problem", "merge problems"),
    EventKind.COMPLETED: ("completed", "completed"),
    EventKind.ABANDONED: ("abandoned", "abandoned"),
}


def preview_line(told: Preview) -> str:
    """``With these filters the last 7 days would have brought 14 messages: 5 new cards, …``."""
    if not told.total:
        return "With these filters the last 7 days would have brought no message."
    counted = [
        f"{told.counts[kind]} {words[told.counts[kind] != 1]}"
        for kind, words in COUNTED.items()
        if told.counts.get(kind)
    ]
    messages = "1 message" if told.total == 1 else f"{told.total} messages"
    titles = f". The latest are of {', '.join(told.titles)}" if told.titles else ""
    return (
        f"With these filters the last 7 days would have brought {messages}: "
        f"{', '.join(counted)}{titles}."
    )
