"""Failed checks, builds of branches, and what of tickets was told. No way back but a backup."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IS_WATCHED = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "failed_checks",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("source_commit", sa.String(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id", "name", "kind"),
    )
    op.create_table(
        "check_watches",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id"),
    )
    op.create_index(
        "ix_check_watches_due",
        "check_watches",
        ["due_at"],
        unique=False,
        sqlite_where=IS_WATCHED,
        postgresql_where=IS_WATCHED,
    )
    op.create_table(
        "branch_builds",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.Column("source_ref", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("repository_id", sa.String(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=False),
        sa.Column("broken_since", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection", "definition_id", "source_ref"),
    )
    op.create_table(
        "ticket_news",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("assigned_to", sa.String(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection", "number"),
    )
