"""What the radar reads and writes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from storage.tables import (
    ChangedFilesRow,
    ConversationRow,
    OutboxRow,
    PostedRadarAlert,
    PullRequestRow,
    RadarBacklog,
    RadarPair,
    RepositoryRow,
    Subscription,
    TrialMergeRow,
)

ACTIVE = "active"


def open_pull_requests(
    session: Session, connection: str
) -> Sequence[tuple[PullRequestRow, RepositoryRow]]:
    """Every open pull request of a connection with its repository, by number."""
    return session.exec(
        select(PullRequestRow, RepositoryRow)
        .join(
            RepositoryRow,
            (col(RepositoryRow.connection) == PullRequestRow.connection)
            & (col(RepositoryRow.id) == PullRequestRow.repository_id),
        )
        .where(
            PullRequestRow.connection == connection,
            PullRequestRow.status == ACTIVE,
            col(RepositoryRow.removed_at).is_(None),
        )
        .order_by(col(PullRequestRow.number))
    ).all()


def live_subscriptions(session: Session, connection: str) -> Sequence[Subscription]:
    """Subscriptions to something of a connection that are told now."""
    return session.exec(
        select(Subscription)
        .join(ConversationRow, col(ConversationRow.id) == Subscription.conversation_id)
        .where(
            Subscription.connection == connection,
            col(Subscription.paused_at).is_(None),
            ConversationRow.state == "active",
        )
        .order_by(col(Subscription.id))
    ).all()


def last_change(session: Session, connection: str) -> tuple[int, datetime | None]:
    """(how many open pull requests, when one of them changed last): tells whether to look."""
    count, last = session.exec(
        select(func.count(), func.max(PullRequestRow.updated_at)).where(
            PullRequestRow.connection == connection, PullRequestRow.status == ACTIVE
        )
    ).one()
    return count, last


def files_of(
    session: Session, connection: str, commits: Collection[str]
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Changed files that are known, by (source commit, target ref)."""
    rows = session.exec(
        select(ChangedFilesRow).where(
            ChangedFilesRow.connection == connection,
            col(ChangedFilesRow.source_commit).in_(commits),
        )
    ).all()
    return {(row.source_commit, row.target_ref): frozenset(row.files) for row in rows}


def keep_files(
    session: Session,
    connection: str,
    source_commit: str,
    target_ref: str,
    files: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Remember what a source commit changes."""
    row = session.exec(
        select(ChangedFilesRow).where(
            ChangedFilesRow.connection == connection,
            ChangedFilesRow.source_commit == source_commit,
            ChangedFilesRow.target_ref == target_ref,
        )
    ).first() or ChangedFilesRow(
        connection=connection, source_commit=source_commit, target_ref=target_ref, read_at=now
    )
    row.files = list(files)
    row.read_at = now
    session.add(row)


def merges_of(
    session: Session, connection: str, commits: Collection[str]
) -> Sequence[TrialMergeRow]:
    """Trial merges that were made of these commits with others."""
    return session.exec(
        select(TrialMergeRow).where(
            TrialMergeRow.connection == connection, col(TrialMergeRow.one).in_(commits)
        )
    ).all()


def keep_merge(
    session: Session,
    connection: str,
    commits: tuple[str, str],
    *,
    status: str,
    message: str,
    now: datetime,
) -> None:
    """Remember what a trial merge said; ``commits`` in alphabetical order."""
    one, other = commits
    row = session.exec(
        select(TrialMergeRow).where(
            TrialMergeRow.connection == connection,
            TrialMergeRow.one == one,
            TrialMergeRow.other == other,
        )
    ).first() or TrialMergeRow(
        connection=connection, one=one, other=other, status=status, checked_at=now
    )
    row.status = status
    row.message = message
    row.checked_at = now
    session.add(row)


def asked_since(session: Session, connection: str, since: datetime) -> tuple[int, int]:
    """(lists of files read, trial merges made) since a moment."""
    files = session.exec(
        select(func.count())
        .select_from(ChangedFilesRow)
        .where(ChangedFilesRow.connection == connection, ChangedFilesRow.read_at > since)
    ).one()
    merges = session.exec(
        select(func.count())
        .select_from(TrialMergeRow)
        .where(TrialMergeRow.connection == connection, TrialMergeRow.checked_at > since)
    ).one()
    return files, merges


def open_pairs(session: Session, connection: str) -> Sequence[RadarPair]:
    """The pairs of a connection that conflict, oldest first."""
    return session.exec(
        select(RadarPair)
        .where(RadarPair.connection == connection, col(RadarPair.ended_at).is_(None))
        .order_by(col(RadarPair.began_at), col(RadarPair.id))
    ).all()


def backlogs(session: Session) -> Sequence[RadarBacklog]:
    """What the last round left unchecked, per connection."""
    return session.exec(select(RadarBacklog).order_by(col(RadarBacklog.connection))).all()


def keep_backlog(session: Session, connection: str, *, pairs: int, unread: int) -> None:
    """Note what a round left unchecked."""
    row = session.get(RadarBacklog, connection) or RadarBacklog(connection=connection)
    row.pairs, row.unread = pairs, unread
    session.add(row)


def alert_places(session: Session, pair_id: int) -> frozenset[str]:
    """Conversations that have the message about a pair, or get it just now."""
    posted = session.exec(
        select(PostedRadarAlert.conversation_id)
        .join(ConversationRow, col(ConversationRow.id) == PostedRadarAlert.conversation_id)
        .where(
            PostedRadarAlert.radar_pair_id == pair_id,
            PostedRadarAlert.activity_id != "",
            ConversationRow.state == "active",
        )
    ).all()
    under_way = session.exec(
        select(OutboxRow.conversation_id).where(
            OutboxRow.radar_pair_id == pair_id,
            OutboxRow.state == "sending",
            OutboxRow.conversation_id != "",
        )
    ).all()
    return frozenset(posted) | frozenset(under_way)


def last_pair(session: Session, first_id: int, second_id: int) -> RadarPair | None:
    """The newest episode of two pull requests."""
    return session.exec(
        select(RadarPair)
        .where(RadarPair.first_id == first_id, RadarPair.second_id == second_id)
        .order_by(col(RadarPair.id).desc())
        .limit(1)
    ).first()


def open_pairs_of(session: Session, pull_request_ids: Collection[int]) -> Sequence[RadarPair]:
    """The pairs that one of these pull requests is in, both still open, oldest first."""
    closed = (
        select(PullRequestRow.id)
        .where(
            or_(
                col(PullRequestRow.id) == RadarPair.first_id,
                col(PullRequestRow.id) == RadarPair.second_id,
            ),
            PullRequestRow.status != ACTIVE,
        )
        .exists()
    )
    return session.exec(
        select(RadarPair)
        .where(
            or_(
                col(RadarPair.first_id).in_(pull_request_ids),
                col(RadarPair.second_id).in_(pull_request_ids),
            ),
            col(RadarPair.ended_at).is_(None),
            ~closed,
        )
        .order_by(col(RadarPair.began_at), col(RadarPair.id))
    ).all()
