"""What a subscription wants, in words. Plain text; the caller escapes it for where it stands."""

from collections.abc import Iterator

from bot.cards.plain_text import plain
from bot.notices.filters import ANNOUNCE, SILENT, Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.patterns import split
from bot.notices.places import Places
from bot.teams_model import ConversationKind

LISTED = 6
PATTERN_LENGTH = 60

KIND_NAMES = {
    EventKind.CREATED: "created",
    EventKind.PUBLISHED: "published",
    EventKind.REVIEW_ASKED: "review asked",
    EventKind.COMMITS: "new commits",
    EventKind.VOTE: "votes",
    EventKind.COMMENT: "comments",
    EventKind.MENTION: "comments that mention somebody",
    EventKind.CHECKS: "checks",
    EventKind.CONFLICT: "merge conflicts",
    EventKind.READY: "approved and ready",
    EventKind.COMPLETED: "completed",
    EventKind.ABANDONED: "abandoned",
    EventKind.TICKET: "tickets",
    EventKind.BUILD: "broken builds",
}
_PLACE_TEXTS = {
    Place.THREAD: "In the card's thread",
    Place.CHANNEL: "As a message of its own",
    Place.DIRECT: "Directly to those whom it concerns",
    Place.CARD: "Only seen on the card",
    Place.OFF: "Not at all",
}
_HERE = {Place.THREAD: "As a message here", Place.CHANNEL: "As a message here"}
_LABELS = (
    ("target", "into"),
    ("source", "from"),
    ("author", "by"),
    ("reviewer", "reviewed by"),
    ("label", "labelled"),
    ("path", "changing"),
    ("title", "titled"),
    ("area", "tickets of area"),
    ("type", "tickets of type"),
)


def filter_text(filters: Filters) -> str:
    """The filters in one sentence: ``into release/*, not main; by Maya Sample``."""
    said = "; ".join(_filters(filters)) or "all pull requests of people"
    return f"{said}; every build, not only broken and fixed ones" if filters.every_build else said


def drafts_text(filters: Filters) -> str:
    """How drafts are told."""
    if filters.drafts == ANNOUNCE:
        return "Drafts are told like all others."
    if filters.drafts == SILENT:
        return "Drafts are not told, not even when they are published."
    return "Drafts are told when they are published."


def place_lines(places: Places, where: ConversationKind) -> Iterator[str]:
    """One line per place with the kinds that go there: ``Only seen on the card: created, …``."""
    for place, title in _PLACE_TEXTS.items():
        kinds = [KIND_NAMES[kind] for kind in EventKind if places.of(kind, where) is place]
        if kinds:
            heading = title if where is ConversationKind.CHANNEL else _HERE.get(place, title)
            yield f"{heading}: {', '.join(kinds)}"


def _filters(filters: Filters) -> Iterator[str]:
    for name, label in _LABELS:
        patterns: tuple[str, ...] = getattr(filters, name)
        if patterns:
            yield f"{label} {_patterns(patterns)}"
    if filters.min_files > 1:
        yield f"at least {filters.min_files} changed files"
    if filters.bots:
        yield "bots, too"


def _patterns(patterns: tuple[str, ...]) -> str:
    wanted, unwanted = split(patterns)
    parts = [_listed(wanted, "or")] if wanted else []
    if unwanted:
        parts.append(f"not {_listed(unwanted, 'nor')}")
    return ", ".join(parts)


def _listed(patterns: tuple[str, ...], joint: str) -> str:
    shown = [plain(pattern, PATTERN_LENGTH) for pattern in patterns[:LISTED]]
    more = len(patterns) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return f" {joint} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
