"""Reminders as messages: one pull request, or several in a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from microsoft_teams.cards import Action

from bot.cards.answers import Tone, command_button, escape, open_url_button, table_card, text_card
from bot.cards.direct import why_button
from bot.cards.plain_text import plain
from bot.cards.view import PullRequestView
from bot.notices import texts
from bot.teams_model import OutgoingMessage

COMMAND = "remind"
MUTE_COMMAND = "mute"
WHY_REMINDER = "reminder"
SENTENCE_LENGTH = 400
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One reminder: the plain sentence, why it came, and the pull request that it is about.

    ``is_asked_for``: the reader switched it on himself, so he can switch it off. ``reminder`` is
    how ``why`` calls it.
    """

    text: str
    why: str
    view: PullRequestView
    page: str = ""
    is_asked_for: bool = True
    reminder: str = ""


def reminder_card(lines: Sequence[Line]) -> OutgoingMessage:
    """All that somebody is reminded of at the same time, as one message. At least one line."""
    return _one(lines[0]) if len(lines) == 1 else _several(lines)


def _one(line: Line) -> OutgoingMessage:
    view = line.view
    buttons: list[Action] = [open_url_button("Open", view.page_url())]
    if line.page:
        buttons.insert(0, open_url_button("Review", view.page_url(line.page)))
    buttons += [_change(line), *_why_buttons([line])]
    return text_card(line.text, [where(view), _why([line])], buttons, Tone.WARNING)


def _several(lines: Sequence[Line]) -> OutgoingMessage:
    rows = [
        (
            f"[{escape(texts.pull_request(line.view.state))}]({line.view.page_url(line.page)})",
            escape(plain(line.text, SENTENCE_LENGTH)),
            where(line.view),
        )
        for line in lines
    ]
    first = lines[0].view
    buttons: list[Action] = [
        open_url_button(f"Open {first.state.number}", first.page_url()),
        _change(next((line for line in lines if line.is_asked_for), lines[0])),
        *_why_buttons(lines),
    ]
    title = f"{len(lines)} reminders"
    columns = ("Pull request", "What", "Repository")
    return table_card(title, columns, rows, buttons, Tone.WARNING, note=_why(lines))


def _change(line: Line) -> Action:
    """What keeps such a message from coming again."""
    if line.is_asked_for:
        return command_button("Change reminders", COMMAND)
    state = line.view.state
    return command_button("Mute this one", MUTE_COMMAND, f"pr {state.connection}:{state.number}")


def _why_buttons(lines: Sequence[Line]) -> Sequence[Action]:
    """For people; a conversation's reminders carry no reason."""
    if not any(line.why for line in lines):
        return ()
    words = [WHY_REMINDER, *{line.reminder for line in lines}]
    if len(words) > 2:  # reminders of several kinds
        words = [WHY_REMINDER]
    if len(lines) == 1:
        state = lines[0].view.state
        words.append(f"{state.connection}:{state.number}")
    return (why_button(" ".join(word for word in words if word)),)


def where(view: PullRequestView) -> str:
    """Project and repository, as Markdown."""
    repository = view.state.repository
    return f"{escape(repository.project_name, 80)} / {escape(repository.name, 80)}"


def _why(lines: Sequence[Line]) -> str:
    reasons = " ".join(dict.fromkeys(line.why for line in lines))
    return f"Why: {escape(reasons, SENTENCE_LENGTH)}" if reasons else ""
