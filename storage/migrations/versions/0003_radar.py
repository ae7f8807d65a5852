"""The radar: pairs, trial merges, changed files. There is no way back but a backup."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IS_OPEN = sa.text("ended_at IS NULL")
IS_RADAR_ALERT = sa.text("radar_pair_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "trial_merges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("one", sa.String(), nullable=False),
        sa.Column("other", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("checked_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection", "one", "other"),
    )
    op.create_index(
        "ix_trial_merges_checked", "trial_merges", ["connection", "checked_at"], unique=False
    )
    op.create_table(
        "changed_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("source_commit", sa.String(), nullable=False),
        sa.Column("target_ref", sa.String(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection", "source_commit", "target_ref"),
    )
    op.create_index(
        "ix_changed_files_read", "changed_files", ["connection", "read_at"], unique=False
    )
    op.create_table(
        "radar_pairs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("first_commit", sa.String(), nullable=False),
        sa.Column("second_commit", sa.String(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.ForeignKeyConstraint(["first_id"], ["pull_requests.id"]),
        sa.ForeignKeyConstraint(["second_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_radar_pairs_open",
        "radar_pairs",
        ["first_id", "second_id"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index(
        "ix_radar_pairs_pair", "radar_pairs", ["first_id", "second_id", "id"], unique=False
    )
    op.create_index("ix_radar_pairs_second", "radar_pairs", ["second_id"], unique=False)
    op.create_index("ix_radar_pairs_connection", "radar_pairs", ["connection"], unique=False)
    op.create_table(
        "radar_backlogs",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection"),
    )
    op.create_table(
        "posted_radar_alerts",
        sa.Column("radar_pair_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("activity_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("posted_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["radar_pair_id"], ["radar_pairs.id"]),
        sa.PrimaryKeyConstraint("radar_pair_id", "conversation_id"),
    )
    op.add_column("outbox", sa.Column("radar_pair_id", sa.Integer(), nullable=True))
    op.create_index(
        "ix_outbox_radar_alert",
        "outbox",
        ["radar_pair_id"],
        unique=False,
        sqlite_where=IS_RADAR_ALERT,
        postgresql_where=IS_RADAR_ALERT,
    )
