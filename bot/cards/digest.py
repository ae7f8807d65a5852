"""A digest as one message: a table, oldest first in each part, at most 20 lines and a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from microsoft_teams.cards import Action

from bot.cards.answers import Tone, command_button, escape, open_url_button, table_card
from bot.cards.direct import why_button
from bot.cards.plain_text import plain
from bot.notices import texts
from bot.teams_model import OutgoingMessage

COMMAND = "digest"
MOST_NEWS = 10
NEWS_LENGTH = 200
TITLE_LENGTH = 90
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One line. ``what`` is the part it belongs to; ``links`` are (plain text, checked address)."""

    what: str
    links: tuple[tuple[str, str], ...]
    repository: str
    since: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest says. ``news`` are plain sentences that were kept for it.

    ``is_direct``: it is one person's, sent to him.
    """

    title: str
    lines: tuple[DigestLine, ...]
    news: tuple[str, ...] = ()
    why: str = ""
    is_direct: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say: then nothing is sent."""
        return not self.lines and not self.news


def digest_card(digest: Digest, now: datetime) -> OutgoingMessage:
    """The message; only for a digest that is not empty."""
    rows = [_row(line, now) for line in digest.lines]
    buttons: list[Action] = []
    if digest.lines:
        text, url = digest.lines[0].links[0]
        buttons.append(open_url_button(f"Open {text.partition(' ')[0]}", url))
    buttons.append(command_button("Change the digest", COMMAND))
    if digest.is_direct:
        buttons.append(why_button("digest"))
    columns = ("What", "Pull request", "Repository", "Since")
    note = "\n\n".join((*_news(digest), *([f"Why: {escape(digest.why)}"] if digest.why else ())))
    return table_card(digest.title, columns, rows, buttons, Tone.INFO, note=note)


def _row(line: DigestLine, now: datetime) -> tuple[str, str, str, str]:
    names = " ↔ ".join(f"[{escape(plain(text, TITLE_LENGTH))}]({url})" for text, url in line.links)
    note = f" {escape(plain(line.note, NAME_LENGTH))}" if line.note else ""
    return (
        f"**{line.what}**",
        names + note,
        escape(plain(line.repository, NAME_LENGTH)),
        texts.duration(now - line.since),
    )


def _news(digest: Digest) -> Sequence[str]:
    """What happened and was kept for the digest, one line each."""
    shown = [f"• {escape(plain(each, NEWS_LENGTH))}" for each in digest.news[:MOST_NEWS]]
    more = len(digest.news) - len(shown)
    return [*shown, *([f"• and {more} more"] if more else ())]
