"""What one person is told directly, and the replies below a card, as messages."""

from collections.abc import Sequence

from microsoft_teams.cards import Action

from bot.cards.answers import text_card
from bot.cards.parts import Tone, command_button, open_url_button
from bot.cards.plain_text import escape, escape_message, plain
from bot.cards.view import PullRequestView
from bot.links import trusted_url
from bot.teams_model import OutgoingMessage

SENTENCE_LENGTH = 1_000
WHY_COMMAND = "why"
WHY_TITLE = "Why did I get this?"
RUN_TITLE = "Failed run"
PAGE_TITLES = {"": "Open", "files": "Review", "conflicts": "Conflicts"}


def reply_message(text: str) -> OutgoingMessage:
    """A plain sentence as a message: nothing in it acts as markup."""
    sentence = plain(text, SENTENCE_LENGTH)
    return OutgoingMessage(text=escape_message(sentence), summary=sentence)


def direct_card(
    text: str,
    view: PullRequestView,
    *,
    page: str = "",
    run_url: str = "",
    notes: Sequence[str] = (),
    why: str = "",
) -> OutgoingMessage:
    """A sentence about a pull request with the button for the next step.

    Args:
        text: the sentence, plain.
        view: the pull request.
        page: the part of its page that the first button opens ("", files, conflicts).
        run_url: a failed run's page as Azure DevOps or a build server says; a button of its own
            before the others, where it leads to the connection's own host.
        notes: plain lines below the sentence.
        why: arguments of the button that says why the reader got this, "" for none.
    """
    failed = trusted_url(run_url, view.base_url)
    buttons: list[Action] = [open_url_button(RUN_TITLE, failed)] if failed else []
    buttons.append(open_url_button(PAGE_TITLES[page], view.page_url(page)))
    if page:
        buttons.append(open_url_button("Open", view.page_url()))
    if why:
        buttons.append(why_button(why))
    lines = [*(escape(note) for note in notes), where_line(view)]
    return text_card(text, lines, buttons, Tone.BAD if page == "conflicts" else Tone.INFO)


def news_card(text: str, *, where: str = "", url: str = "", why: str = "") -> OutgoingMessage:
    """A sentence about something that is no pull request. ``url`` is an address that is checked."""
    buttons: list[Action] = [open_url_button("Open", url)] if url else []
    if why:
        buttons.append(why_button(why))
    return text_card(text, [escape(where)] if where else [], buttons, Tone.INFO)


def why_button(arguments: str) -> Action:
    """On every direct message: why it came, and how to change that."""
    return command_button(WHY_TITLE, WHY_COMMAND, arguments)


def where_line(view: PullRequestView) -> str:
    """``Shop / web`` as Markdown."""
    repository = view.state.repository
    return f"{escape(repository.project_name, 80)} / {escape(repository.name, 80)}"
