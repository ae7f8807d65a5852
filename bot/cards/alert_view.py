"""What the alert of a conflict shows, read in one go."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session

from bot.cards.view import PullRequestView, load_view
from bot.conflicts.episodes import EndedBy
from bot.model import Commit, FileConflict
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
    ``ended_actor`` is the name of who ended it, "" when it is not known.
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


def load_alert(session: Session, episode_id: int, now: datetime) -> AlertView:
    """Read what an episode's alert shows.

    Raises:
        UnknownEpisode: there is no such episode.
    """
    row = session.get(ConflictEpisode, episode_id)
    if row is None:
        raise UnknownEpisode(f"conflict episode {episode_id} is not stored")
    return AlertView(
        view=load_view(session, row.pull_request_id, "", now),
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
    )


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
