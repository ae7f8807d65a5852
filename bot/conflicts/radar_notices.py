"""Telling the two authors of a pair that conflicts; and taking back what is not true any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, open_url_button, text_card
from bot.conflicts.radar import Overlap
from bot.links import pull_request_url
from bot.model import branch_name
from bot.outgoing import as_payload
from bot.teams_model import OutgoingMessage
from storage import outbox
from storage.queries import recording
from storage.tables import Connection, PullRequestRow, RadarPair, RepositoryRow

COMMAND = "conflicts"
MOST_FILES = 10
FILE_LENGTH = 120
TITLE_LENGTH = 120
NOT_TRUE_ANY_MORE = "the two do not conflict any more"


def tell_pair(
    session: Session,
    pair_id: int,
    pair: Overlap,
    both: tuple[PullRequestRow, PullRequestRow],
    repository: RepositoryRow,
    *,
    cause: str,
    now: datetime,
) -> None:
    """Queue one message to each author who wants to hear; to one who wrote both, one."""
    entries = (pair.first, pair.second)
    authors = [row.author_id for row, entry in zip(both, entries, strict=True) if entry.is_told]
    connection = session.get_one(Connection, repository.connection)
    sent = pair_card(pair, both, repository, connection.base_url)
    people = recording.people_of(session, repository.connection, authors)
    for person in {found.person_id: found for found in people}.values():
        chat = person.conversation_id
        outbox.enqueue_message(
            session,
            key=key_of(pair_id, person.person_id),
            payload=as_payload(sent),
            now=now,
            conversation_id=chat,
            person_id=None if chat else person.person_id,
            pull_request_id=pair.first.id,
            cause=cause,
        )


def take_back(session: Session, episode: RadarPair, *, now: datetime) -> None:
    """What was not sent yet is not sent: it is not true any more."""
    outbox.drop_pending(
        session,
        pull_request_id=episode.first_id,
        key_prefix=key_of(episode.id or 0),
        reason=NOT_TRUE_ANY_MORE,
        now=now,
    )


def tell_after_all(session: Session, episode: RadarPair, *, now: datetime) -> None:
    """The pair is back: what was taken back unsent is sent, what was sent is not sent again."""
    outbox.restore_dropped(
        session,
        pull_request_id=episode.first_id,
        key_prefix=key_of(episode.id or 0),
        reason=NOT_TRUE_ANY_MORE,
        now=now,
    )


def key_of(pair_id: int, person_id: int | None = None) -> str:
    """The outbox key of an episode's message to a person; of all of them without one."""
    return f"radar:{pair_id}:{'' if person_id is None else person_id}"


def pair_card(
    pair: Overlap,
    both: tuple[PullRequestRow, PullRequestRow],
    repository: RepositoryRow,
    base_url: str,
) -> OutgoingMessage:
    """The message: what will happen, where, and to which two."""
    pages = [
        pull_request_url(base_url, repository.project_name, repository.name, row.number)
        for row in both
    ]
    links = [
        f"[{escape(f'{row.number} {row.title}', TITLE_LENGTH)}]({page})"
        for row, page in zip(both, pages, strict=True)
    ]
    into = escape(branch_name(pair.first.target_ref), FILE_LENGTH)
    first, second = pair.first.number, pair.second.number
    lines = [
        f"{links[0]} and {links[1]} conflict with each other. Each goes into **{into}**; "
        f"whoever completes second will have a conflict in {files_text(pair.files)}.",
        "Nothing is blocked yet. Agree who goes first, or bring one branch into the other.",
        f"{escape(repository.project_name, FILE_LENGTH)} / {escape(repository.name, FILE_LENGTH)}",
    ]
    buttons = [
        open_url_button(f"Open {first}", pages[0]),
        open_url_button(f"Open {second}", pages[1]),
        command_button("Conflicts", COMMAND),
    ]
    title = f"{first} and {second} will conflict"
    return text_card(title, lines, buttons, Tone.WARNING)


def files_text(files: Sequence[str]) -> str:
    """``a.txt``; ``one or more of a.txt, b.txt and 3 more`` where it is not known which."""
    shown = ", ".join(f"**{escape(path.lstrip('/'), FILE_LENGTH)}**" for path in files[:MOST_FILES])
    if len(files) == 1:
        return shown
    more = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
    return f"one or more of {shown}{more}"
