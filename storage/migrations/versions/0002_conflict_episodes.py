"""Merge conflicts: episodes, their alerts, own findings, snoozes. No way back but a backup."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

IS_OPEN = sa.text("ended_at IS NULL")
HAS_WORK = sa.text("due_at IS NOT NULL")
IS_ALERT = sa.text("episode_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "conflict_episodes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.Column("ended_actor", sa.String(), nullable=False),
        sa.Column("source_commit", sa.String(), nullable=False),
        sa.Column("target_ref", sa.String(), nullable=False),
        sa.Column("target_commit", sa.String(), nullable=False),
        sa.Column("last_clean_target_commit", sa.String(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("files_from", sa.String(), nullable=False),
        sa.Column("cause", sa.JSON(), nullable=False),
        sa.Column("is_own_finding", sa.Boolean(), nullable=False),
        sa.Column("at_first_sight", sa.Boolean(), nullable=False),
        sa.Column("told_at", UTCDateTime(), nullable=True),
        sa.Column("examined_at", UTCDateTime(), nullable=True),
        sa.Column("clean_told_at", UTCDateTime(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_conflict_episodes_open",
        "conflict_episodes",
        ["pull_request_id"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index(
        "ix_conflict_episodes_pull_request",
        "conflict_episodes",
        ["pull_request_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_conflict_episodes_due",
        "conflict_episodes",
        ["due_at"],
        unique=False,
        sqlite_where=HAS_WORK,
        postgresql_where=HAS_WORK,
    )
    op.create_table(
        "posted_alerts",
        sa.Column("episode_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("activity_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("posted_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["episode_id"], ["conflict_episodes.id"]),
        sa.PrimaryKeyConstraint("episode_id", "conversation_id"),
    )
    op.create_table(
        "own_findings",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("source_commit", sa.String(), nullable=False),
        sa.Column("target_ref", sa.String(), nullable=False),
        sa.Column("target_commit", sa.String(), nullable=False),
        sa.Column("stale_target_commit", sa.String(), nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.Column("is_unaffected", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id"),
    )
    op.create_table(
        "merge_statuses",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source_commit", sa.String(), nullable=False),
        sa.Column("target_ref", sa.String(), nullable=False),
        sa.Column("posted_state", sa.String(), nullable=False),
        sa.Column("posted_commit", sa.String(), nullable=False),
        sa.Column("posted_ref", sa.String(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id"),
    )
    op.create_index(
        "ix_merge_statuses_due",
        "merge_statuses",
        ["due_at"],
        unique=False,
        sqlite_where=HAS_WORK,
        postgresql_where=HAS_WORK,
    )
    op.create_table(
        "conflict_snoozes",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id", "person_id"),
    )
    op.add_column("outbox", sa.Column("episode_id", sa.Integer(), nullable=True))
    op.create_index(
        "ix_outbox_alert",
        "outbox",
        ["episode_id"],
        unique=False,
        sqlite_where=IS_ALERT,
        postgresql_where=IS_ALERT,
    )
    _open_episodes_of_standing_conflicts()


def _open_episodes_of_standing_conflicts() -> None:
    """Conflicts that stand at the upgrade were told already: their episodes begin as told."""
    op.execute(
        "INSERT INTO conflict_episodes (connection, pull_request_id, number, began_at, opened_at,"
        " ended_by, ended_actor, source_commit, target_ref, target_commit,"
        " last_clean_target_commit, files, files_from, cause, is_own_finding, at_first_sight,"
        " told_at, examined_at, attempts)"
        " SELECT connection, id, number, conflicted_since, conflicted_since, '', '', '',"
        " target_ref, '', '', '[]', '', '[]', false, false, conflicted_since, conflicted_since, 0"
        " FROM pull_requests WHERE status = 'active' AND conflicted_since IS NOT NULL"
    )
