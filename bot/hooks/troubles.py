"""What is wrong with a feed, from its beginning to its end. Inside ``Database.write``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from storage.queries import hooks as stored
from storage.queries.hooks import Trouble
from storage.tables import FeedTrouble

WELL_FOR = timedelta(hours=1)
"""A trouble that Pullcord mended is over when it has not come back for so long."""


class Kind(StrEnum):
    """What is wrong. Those of one hook are ``bot.hooks.compare.Fault``; these are of more."""

    FAILING = "failing"
    DEAD = "dead"
    HIDDEN = "hidden"
    SILENT = "silent"
    QUIET = "quiet"

    @property
    def cuts_off(self) -> bool:
        """Whether conversations go without news because of it."""
        return self in (Kind.DEAD, Kind.SILENT)


SILENCES = frozenset({Kind.SILENT.value, Kind.QUIET.value})


@dataclass(frozen=True, slots=True)
class Turn:
    """What changed since the last look: troubles that began, and that ended and were told."""

    began: tuple[FeedTrouble, ...] = ()
    ended: tuple[FeedTrouble, ...] = ()


def note(
    session: Session,
    connection: str,
    seen: Sequence[Trouble],
    *,
    now: datetime,
    about_silence: bool,
) -> Turn:
    """Take down what was seen; each trouble begins once, however often it is seen.

    Args:
        session: the transaction.
        connection: whose feed it is.
        seen: everything that is wrong now.
        now: the time.
        about_silence: whether ``seen`` tells of silence; else only of everything but silence.
    """
    known = {
        (row.what, row.kind): row
        for row in stored.open_troubles(session, connection)
        if (row.kind in SILENCES) is about_silence
    }
    began = []
    for trouble in seen:
        row = known.pop((trouble.what, trouble.kind), None)
        if row is None:
            began.append(_begin(session, connection, trouble, now))
            continue
        row.seen_at, row.says, row.is_repaired = now, trouble.says, trouble.is_repaired
        session.add(row)
    ended = []
    for row in known.values():
        if row.is_repaired and now - row.seen_at < WELL_FOR:
            continue
        row.ended_at = now
        session.add(row)
        if not row.is_repaired:  # that one was mended was said at once
            ended.append(row)
    session.flush()
    return Turn(tuple(began), tuple(ended))


def _begin(session: Session, connection: str, trouble: Trouble, now: datetime) -> FeedTrouble:
    row = FeedTrouble(
        connection=connection,
        what=trouble.what,
        kind=trouble.kind,
        project=trouble.project,
        says=trouble.says,
        is_repaired=trouble.is_repaired,
        began_at=now,
        seen_at=now,
    )
    session.add(row)
    session.flush()
    return row
