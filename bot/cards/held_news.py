"""Several things that waited, as one message."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.answers import command_button, text_card
from bot.cards.direct import why_button
from bot.cards.parts import Tone
from bot.cards.plain_text import escape
from bot.teams_model import OutgoingMessage

MOST_SENTENCES = 20
SENTENCE_LENGTH = 220
TITLE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class About:
    """One pull request, ticket or build with what happened to it; all texts are plain."""

    title: str
    url: str
    where: str
    sentences: tuple[str, ...]


def held_card(title: str, news: Sequence[About], *, why: str) -> OutgoingMessage:
    """The message: by pull request what happened, at most 20 sentences and how many more."""
    count = sum(len(each.sentences) for each in news)
    room = MOST_SENTENCES
    lines: list[str] = []
    for each in news:
        if room <= 0:
            break
        shown = each.sentences[:room]
        room -= len(shown)
        lines.append(_paragraph(each, shown))
    if count > MOST_SENTENCES:
        lines.append(f"and {count - MOST_SENTENCES} more; the cards show how things stand.")
    buttons = [
        command_button("My reviews", "reviews"),
        command_button("Settings", "settings"),
        why_button(why),
    ]
    return text_card(title, lines, buttons, Tone.INFO, summary=_summary(title, news))


def _paragraph(about: About, sentences: Sequence[str]) -> str:
    name = escape(about.title, TITLE_LENGTH)
    linked = f"**[{name}]({about.url})**" if about.url else f"**{name}**"
    where = f" · {escape(about.where, TITLE_LENGTH)}" if about.where else ""
    said = "".join(f"\n- {escape(sentence, SENTENCE_LENGTH)}" for sentence in sentences)
    return f"{linked}{where}{said}"


def _summary(title: str, news: Sequence[About]) -> str:
    return f"{title}: {news[0].sentences[0]}" if news else title
