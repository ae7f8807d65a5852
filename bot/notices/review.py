"""One review is one message: a vote and the comments that come with it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.cards.plain_text import plain
from bot.model import Vote

EXCERPTS = 3
EXCERPT_LENGTH = 80

_VOTED = {
    Vote.APPROVED: "{name} approved{pr}",
    Vote.APPROVED_WITH_SUGGESTIONS: "{name} approved{pr} with suggestions",
    Vote.NONE: "{name}'s vote{on} was reset",
    Vote.WAITING_FOR_AUTHOR: "{name} waits for the author{on}",
    Vote.REJECTED: "{name} rejected{pr}",
}
_VOTED_ON_YOURS = {**_VOTED, Vote.WAITING_FOR_AUTHOR: "{name} waits for you{on}"}


@dataclass(frozen=True, slots=True)
class ReviewPart:
    """A vote or a comment of one person. ``said`` is the beginning of the comment.

    ``text`` is the whole sentence for when it comes by itself.
    """

    writer_id: str
    name: str
    text: str
    vote: Vote | None = None
    said: str = ""
    is_mention: bool = False


def as_one(parts: Sequence[ReviewPart], *, about: str = "", to_author: bool = False) -> str:
    """The sentence for all parts: one per writer, in the order in which they began.

    Args:
        parts: votes and comments, oldest first.
        about: the pull request where the sentence must name it ("#12 Add search").
        to_author: whether the reader is the author.
    """
    writers: dict[str, list[ReviewPart]] = {}
    for part in parts:
        writers.setdefault(part.writer_id, []).append(part)
    return "; ".join(
        _of_one(theirs, about=about, to_author=to_author) for theirs in writers.values()
    )


def _of_one(parts: Sequence[ReviewPart], *, about: str, to_author: bool) -> str:
    if len(parts) == 1:
        return parts[0].text
    vote = next((part.vote for part in reversed(parts) if part.vote is not None), None)
    comments = [part for part in parts if part.vote is None]
    if not comments:
        return next(part.text for part in reversed(parts) if part.vote is not None)
    mentions = any(part.is_mention for part in comments)
    count = "1 comment" if len(comments) == 1 else f"{len(comments)} comments"
    name = parts[0].name
    if vote is not None:
        did = (_VOTED_ON_YOURS if to_author else _VOTED)[vote].format(
            name=name, pr=f" {about}" if about else "", on=f" on {about}" if about else ""
        )
        said = f"{did}, with {count}"
    else:
        said = f"{name} wrote {count}" + (f" on {about}" if about else "")
    if mentions:
        said += ", you are mentioned"
    return said


def first_lines(parts: Iterable[ReviewPart]) -> str:
    """How the comments begin, the first three; "" for one part, whose sentence has it."""
    listed = list(parts)
    lines = [f"“{plain(part.said, EXCERPT_LENGTH)}”" for part in listed if part.said]
    if len(listed) < 2 or not lines:
        return ""
    return " ".join(lines[:EXCERPTS]) + (" …" if len(lines) > EXCERPTS else "")
