"""Direct messages that wait, and what is known for telling them. No way back but a backup."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IS_HELD = sa.text("released_at IS NULL")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "held_notices",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("pull_request_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("released_at", UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    for name, columns in (
        ("ix_held_due", ["due_at", "id"]),
        ("ix_held_person", ["person_id", "id"]),
        ("ix_held_conversation", ["conversation_id", "pull_request_id"]),
    ):
        op.create_index(
            name,
            "held_notices",
            columns,
            unique=False,
            sqlite_where=IS_HELD,
            postgresql_where=IS_HELD,
        )
    op.create_index("ix_held_released", "held_notices", ["released_at"], unique=False)
    op.create_table(
        "reviewed_commits",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.String(), nullable=False),
        sa.Column("commit", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id", "identity_id"),
    )
    op.create_table(
        "thread_participants",
        sa.Column("pull_request_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", ROW_ID, nullable=False),
        sa.Column("identity_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pull_request_id"], ["pull_requests.id"]),
        sa.PrimaryKeyConstraint("pull_request_id", "thread_id", "identity_id"),
    )
    op.create_table(
        "group_members",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection", "group_id"),
    )
    op.create_table(
        "group_turns",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("connection", "group_id", "person_id"),
    )
