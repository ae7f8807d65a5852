"""Conflict episodes, where their alerts are, own findings and snoozes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from storage.dialects import affected, is_sqlite, table_of
from storage.queries import merge_statuses
from storage.tables import (
    ConflictEpisode,
    ConflictSnooze,
    ConversationRow,
    OutboxRow,
    OwnFinding,
    PostedAlert,
    PullRequestRow,
)
from storage.topics import CONFLICTS, touch

ACTIVE = "active"
LEASE = timedelta(minutes=2)
"""How long an episode in hand is left to the process that took it."""
LONGEST_WAIT = timedelta(minutes=10)
"""Longer than any pause and than LEASE: what is due later tells that the clock went back."""


def get(session: Session, episode_id: int) -> ConflictEpisode | None:
    """The episode with this id."""
    return session.get(ConflictEpisode, episode_id)


def latest(session: Session, pull_request_id: int) -> ConflictEpisode | None:
    """A pull request's newest episode, open or ended."""
    return session.exec(_latest(), params={"pull_request": pull_request_id}).first()


@cache  # read for every change, and making a statement takes longer than running it
def _latest() -> SelectOfScalar[ConflictEpisode]:
    return (
        select(ConflictEpisode)
        .where(ConflictEpisode.pull_request_id == bindparam("pull_request"))
        .order_by(col(ConflictEpisode.id).desc())
        .limit(1)
    )


def of_pull_request(session: Session, pull_request_id: int) -> Sequence[ConflictEpisode]:
    """All episodes of a pull request, oldest first."""
    return session.exec(
        select(ConflictEpisode)
        .where(ConflictEpisode.pull_request_id == pull_request_id)
        .order_by(col(ConflictEpisode.id))
    ).all()


def open_episodes(session: Session, connection: str) -> Sequence[ConflictEpisode]:
    """The open episodes of a connection, longest first."""
    return session.exec(
        select(ConflictEpisode)
        .where(ConflictEpisode.connection == connection, col(ConflictEpisode.ended_at).is_(None))
        .order_by(col(ConflictEpisode.began_at), col(ConflictEpisode.id))
    ).all()


def blocked_since(session: Session, ids: Collection[int]) -> Mapping[int, datetime]:
    """Which of these pull requests have conflicts, whoever found them, and since when."""
    found = session.exec(
        select(ConflictEpisode.pull_request_id, ConflictEpisode.began_at).where(
            col(ConflictEpisode.pull_request_id).in_(ids), col(ConflictEpisode.ended_at).is_(None)
        )
    ).all()
    return dict(found)


def add(session: Session, episode: ConflictEpisode) -> ConflictEpisode:
    """Store a new episode; its id is set."""
    session.add(episode)
    session.flush()
    return episode


def ask_for_work(session: Session, episode: ConflictEpisode, *, due_at: datetime) -> None:
    """There is work to do for an episode, from ``due_at`` on; whoever waits for it is woken."""
    episode.due_at = due_at
    episode.attempts = 0
    session.add(episode)
    touch(session, CONFLICTS)


def claim_due(
    session: Session, *, now: datetime, limit: int, lease: timedelta = LEASE
) -> Sequence[ConflictEpisode]:
    """Take episodes with work to do, the oldest conflicts first; nobody else gets them meanwhile.

    One that was put off to a time beyond LONGEST_WAIT tells that the clock went back: it is due.
    """
    statement = (
        select(ConflictEpisode)
        .where(
            col(ConflictEpisode.due_at).is_not(None),
            or_(
                col(ConflictEpisode.due_at) <= now,
                col(ConflictEpisode.due_at) > now + LONGEST_WAIT,
            ),
        )
        .order_by(col(ConflictEpisode.began_at), col(ConflictEpisode.id))
        .limit(limit)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update(skip_locked=True)
    rows = session.exec(statement).all()
    for row in rows:
        row.due_at = now + lease
        session.add(row)
    session.flush()
    return rows


def resume(session: Session, *, now: datetime) -> int:
    """What a dead process had in hand is due again; how many. To be called at start."""
    waiting = update(table_of(ConflictEpisode)).where(col(ConflictEpisode.due_at).is_not(None))
    return affected(session, waiting.values(due_at=now))


def counts(session: Session) -> Mapping[str, int]:
    """``pending``: how many episodes have work to do, and statuses wait to be posted."""
    rows = session.exec(
        select(ConflictEpisode.id).where(col(ConflictEpisode.due_at).is_not(None))
    ).all()
    return {"pending": len(rows) + merge_statuses.pending(session)}


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether an episode has work to do now; not what somebody has in hand, or is put off."""
    due = select(ConflictEpisode.id).where(col(ConflictEpisode.due_at) <= now).limit(1)
    return session.exec(due).first() is not None


def alert_places(session: Session, episode_id: int) -> frozenset[str]:
    """Conversations that have the episode's alert, and can still be written to."""
    return frozenset(
        session.exec(
            select(PostedAlert.conversation_id)
            .join(ConversationRow, col(ConversationRow.id) == PostedAlert.conversation_id)
            .where(
                PostedAlert.episode_id == episode_id,
                PostedAlert.activity_id != "",
                ConversationRow.state == "active",
            )
        ).all()
    )


def alerts_under_way(session: Session, episode_id: int) -> frozenset[str]:
    """Conversations to which the alert is being sent just now: it may show what was before."""
    return frozenset(
        session.exec(
            select(OutboxRow.conversation_id).where(
                OutboxRow.episode_id == episode_id,
                OutboxRow.state == "sending",
                OutboxRow.conversation_id != "",
            )
        ).all()
    )


def told_in(session: Session, episode_id: int) -> frozenset[str]:
    """Conversations in which the episode's alert stands, or to which it was queued."""
    queued = select(OutboxRow.conversation_id).where(
        OutboxRow.episode_id == episode_id, col(OutboxRow.person_id).is_(None)
    )
    posted = select(PostedAlert.conversation_id).where(PostedAlert.episode_id == episode_id)
    return frozenset(session.exec(queued).all()) | frozenset(session.exec(posted).all())


def own_finding(session: Session, pull_request_id: int) -> OwnFinding | None:
    """What our own trial merge said last of a pull request."""
    return session.get(OwnFinding, pull_request_id)


def keep_own_finding(session: Session, finding: OwnFinding) -> None:
    """Store what our own trial merge said, in place of what it said before."""
    session.merge(finding)
    session.flush()


def forget_own_finding(session: Session, pull_request_id: int) -> None:
    """Our own trial merge of a pull request is overtaken."""
    found = session.get(OwnFinding, pull_request_id)
    if found is not None:
        session.delete(found)
        session.flush()


def open_on_target(
    session: Session, connection: str, repository_id: str, target_refs: Collection[str]
) -> Sequence[PullRequestRow]:
    """The open pull requests into these branches, those with the oldest conflicts first."""
    rows = session.exec(
        select(PullRequestRow).where(
            PullRequestRow.connection == connection,
            PullRequestRow.repository_id == repository_id,
            PullRequestRow.status == ACTIVE,
            col(PullRequestRow.target_ref).in_(target_refs),
        )
    ).all()
    blocked = blocked_since(session, [row.id for row in rows if row.id is not None])

    def by_age(row: PullRequestRow) -> tuple[bool, datetime, int]:
        since = blocked.get(row.id or 0)
        return since is None, since or row.created_at, row.number

    return sorted(rows, key=by_age)


def completed_on_target(
    session: Session, connection: str, repository_id: str, target_ref: str, limit: int
) -> Sequence[PullRequestRow]:
    """The pull requests that were completed into a branch, newest first."""
    return session.exec(
        select(PullRequestRow)
        .where(
            PullRequestRow.connection == connection,
            PullRequestRow.repository_id == repository_id,
            PullRequestRow.target_ref == target_ref,
            PullRequestRow.status == "completed",
        )
        .order_by(col(PullRequestRow.closed_at).desc(), col(PullRequestRow.id).desc())
        .limit(limit)
    ).all()


def snooze(session: Session, pull_request_id: int, person_id: int, *, until: datetime) -> None:
    """A person is not alerted of this pull request's conflicts until then."""
    session.merge(ConflictSnooze(pull_request_id=pull_request_id, person_id=person_id, until=until))
    session.flush()


def is_snoozed(session: Session, pull_request_id: int, person_id: int, *, now: datetime) -> bool:
    """Whether a person does not want to be alerted of it now."""
    row = session.get(ConflictSnooze, (pull_request_id, person_id))
    return row is not None and row.until > now
