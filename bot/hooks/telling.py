"""What people hear of a feed: administrators of each trouble, conversations when it is cut off."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.connections.telling import WHY_ADMINISTRATOR, tell_administrators, write_into
from bot.hooks.troubles import Kind, Turn
from bot.repository_names import covers
from bot.teams_model import OutgoingMessage
from storage.queries import subscriptions
from storage.tables import FeedTrouble, RepositoryRow

MOST_LINES = 8
SENTENCE_LENGTH = 300


def tell(
    session: Session,
    connection: str,
    turn: Turn,
    *,
    administrators: Collection[str],
    now: datetime,
) -> None:
    """Say once what began and what ended."""
    for word, troubles, draw in (
        ("began", turn.began, began_message),
        ("ended", turn.ended, ended_message),
    ):
        if troubles:
            key = f"feed:{word}:{connection}:{troubles[0].id}:{troubles[-1].id}"
            message = draw(connection, troubles)
            tell_administrators(session, administrators, message, key=key, now=now)
    for trouble in turn.began:
        if trouble.kind in CUTTING_OFF:
            _tell_conversations(session, trouble, cut_off_message(trouble), "cut", now)
    for trouble in turn.ended:
        if trouble.kind in CUTTING_OFF:
            _tell_conversations(session, trouble, back_message(trouble), "back", now)


CUTTING_OFF = frozenset(kind.value for kind in Kind if kind.cuts_off)


def began_message(connection: str, troubles: Sequence[FeedTrouble]) -> OutgoingMessage:
    """For administrators: what is wrong, and what of it is mended."""
    open_ones = [each for each in troubles if not each.is_repaired]
    if not open_ones:
        title = f"I mended {_hooks(len(troubles))} of {connection}"
    else:
        title = f"Webhooks of {connection} need an administrator"
    lines = _lines(troubles)
    if open_ones:
        lines.append(
            f"Run `pullcord hooks check {escape(connection)}`, then "
            f"`pullcord hooks install {escape(connection)}`."
        )
    tone = Tone.WARNING if open_ones else Tone.INFO
    return text_card(title, lines, [command_button("Status", "status"), WHY_ADMINISTRATOR], tone)


def ended_message(connection: str, troubles: Sequence[FeedTrouble]) -> OutgoingMessage:
    """For administrators: what is over."""
    return text_card(
        f"Webhooks of {connection} are well again",
        _over(troubles),
        [command_button("Status", "status"), WHY_ADMINISTRATOR],
        Tone.GOOD,
    )


def _over(troubles: Sequence[FeedTrouble]) -> list[str]:
    """What was wrong, without the advice that followed."""
    said = [each.says.partition(". ")[0].rstrip(".") for each in troubles[:MOST_LINES]]
    lines = [f"It is over: {escape(text, SENTENCE_LENGTH)}." for text in said]
    return lines + _and_more(troubles)


def _lines(troubles: Sequence[FeedTrouble]) -> list[str]:
    lines = []
    for each in troubles[:MOST_LINES]:
        mended = " I have mended it." if each.is_repaired else ""
        lines.append(f"{escape(each.says.rstrip('.'), SENTENCE_LENGTH)}.{mended}")
    return lines + _and_more(troubles)


def _and_more(troubles: Sequence[FeedTrouble]) -> list[str]:
    hidden = len(troubles) - MOST_LINES
    return [f"And {hidden} more."] if hidden > 0 else []


def _hooks(count: int) -> str:
    return "a webhook" if count == 1 else f"{count} webhooks"


def cut_off_message(trouble: FeedTrouble) -> OutgoingMessage:
    """For the conversations: news come late."""
    return text_card(
        f"Azure DevOps does not tell me what happens in {trouble.project}",
        [
            "I look at open pull requests myself every few minutes, so what happens is told late; "
            "comments are not. An administrator knows. I say when it is over."
        ],
        [command_button("Status", "status")],
        Tone.WARNING,
    )


def back_message(trouble: FeedTrouble) -> OutgoingMessage:
    """For the conversations: news come in time again."""
    return text_card(
        f"Azure DevOps tells me again what happens in {trouble.project}",
        ["What was missed is marked “late”."],
        [command_button("Status", "status")],
        Tone.GOOD,
    )


def _tell_conversations(
    session: Session, trouble: FeedTrouble, message: OutgoingMessage, word: str, now: datetime
) -> None:
    depending = sorted(_depending(session, trouble))
    write_into(session, depending, message, key=f"feed:{word}:{trouble.id}", now=now)


def _depending(session: Session, trouble: FeedTrouble) -> set[str]:
    """Conversations that follow the project or repository that is cut off."""
    kind, _, id_ = trouble.what.partition("/")
    project, _, _ = trouble.project.partition("/")
    following = subscriptions.candidates(session, trouble.connection, project)
    row = None
    if kind == "repository":
        row = session.get(RepositoryRow, (trouble.connection, id_))
    return {each.conversation_id for each in following if row is None or covers(each, row)}
