"""What the alert of a conflict shows, read in one go."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.cards.view import PullRequestView, load_view
from bot.conflicts.episodes import EndedBy
from bot.model import Commit, FileConflict
from bot.notices.reasons import Role
from storage.queries import people, recording
from storage.tables import ConflictEpisode

_files = TypeAdapter(tuple[FileConflict, ...])
_cause = TypeAdapter(tuple[Commit, ...])

FROM_AZURE_DEVOPS = "azure_devops"
FROM_OVERLAP = "overlap"


class UnknownEpisode(LookupError):
    """There is no such episode in the database."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An episode with its pull request.

    ``files_from`` is where the files are from: azure_devops, overlap, or "" when they are not
    known; ``is_examined`` is False while that may still change. ``ended_at`` None: it goes on;
    ``ended_actor`` is the name of who ended it, "" when it is not known. ``reader`` is why it is
    for the one in whose chat it stands, None where it stands in a channel or group chat.
    """

    view: PullRequestView
    target_ref: str
    began_at: datetime
    ended_at: datetime | None = None
    ended_by: EndedBy = EndedBy.UNKNOWN
    ended_actor: str = ""
    files: tuple[FileConflict, ...] = ()
    files_from: str = ""
    cause: tuple[Commit, ...] = ()
    is_own_finding: bool = False
    is_examined: bool = True
    reader: Role | None = None


def load_alert(session: Session, episode_id: int, now: datetime, *, chat: str = "") -> AlertView:
    """Read what an episode's alert shows; ``chat`` is the personal chat that it is drawn for.

    Raises:
        UnknownEpisode: there is no such episode.
    """
    row = session.get(ConflictEpisode, episode_id)
    if row is None:
        raise UnknownEpisode(f"conflict episode {episode_id} is not stored")
    view = load_view(session, row.pull_request_id, "", now)
    return AlertView(
        view=view,
        target_ref=row.target_ref,
        began_at=row.began_at,
        ended_at=row.ended_at,
        ended_by=EndedBy(row.ended_by),
        ended_actor=row.ended_actor,
        files=_files.validate_python(row.files),
        files_from=row.files_from,
        cause=_cause.validate_python(row.cause),
        is_own_finding=row.is_own_finding,
        is_examined=row.examined_at is not None,
        reader=_reader(session, view, chat) if chat else None,
    )


def _reader(session: Session, view: PullRequestView, chat: str) -> Role:
    """Author or subscriber: nobody else is alerted."""
    owner = people.with_chat(session, chat)
    authors = recording.people_of(session, view.state.connection, [view.state.author.id])
    is_author = owner is None or owner.id in {each.person_id for each in authors}
    return Role.AUTHOR if is_author else Role.SUBSCRIBER


def keep_examination(
    row: ConflictEpisode,
    files: tuple[FileConflict, ...],
    files_from: str,
    cause: tuple[Commit, ...],
) -> None:
    """Put what an examination found into an episode's row."""
    row.files = _files.dump_python(files, mode="json")
    row.files_from = files_from
    row.cause = _cause.dump_python(cause, mode="json")
