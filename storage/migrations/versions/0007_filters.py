"""Labels of pull requests, and personal chats found at once. No way back but a backup."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pull_request_labels",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection", "number"),
    )
    op.create_index(
        "ix_people_personal_conversation_id", "people", ["personal_conversation_id"], unique=False
    )
