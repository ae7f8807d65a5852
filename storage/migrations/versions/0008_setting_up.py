"""Setting up and running: how connections are reached, paused and left. No way back but a backup."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

IS_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column(
        "connections", sa.Column("network", sa.String(), nullable=False, server_default="")
    )
    op.add_column("connections", sa.Column("paused_at", UTCDateTime(), nullable=True))
    op.add_column("connections", sa.Column("disconnected_at", UTCDateTime(), nullable=True))
    op.add_column(
        "connections",
        sa.Column("unreachable_reason", sa.String(), nullable=False, server_default=""),
    )
    op.add_column("connections", sa.Column("unreachable_since", UTCDateTime(), nullable=True))
    op.add_column("credentials", sa.Column("warned_days", sa.Integer(), nullable=True))
    op.add_column("hooks", sa.Column("secret_tag", sa.String(), nullable=False, server_default=""))
    op.add_column("hooks", sa.Column("changed_at", UTCDateTime(), nullable=True))
    op.add_column("hooks", sa.Column("repaired_at", UTCDateTime(), nullable=True))
    for told in ("first_told", "second_told"):  # who was to hear of those found before has heard
        op.add_column(
            "radar_pairs",
            sa.Column(told, sa.Boolean(), nullable=False, server_default=sa.true()),
        )
    _watched_feeds()
    op.create_index("ix_branch_builds_finished", "branch_builds", ["finished_at"], unique=False)
    op.create_index("ix_ticket_news_seen", "ticket_news", ["seen_at"], unique=False)
    op.create_index(
        "ix_held_pull_request", "held_notices", ["pull_request_id", "kind"], unique=False
    )


def _watched_feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("looked_at", UTCDateTime(), nullable=True),
        sa.Column("history_read_to", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection"),
    )
    op.create_table(
        "feed_troubles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("is_repaired", sa.Boolean(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_feed_troubles_connection", "feed_troubles", ["connection"], unique=False)
    op.create_index(
        "ix_feed_troubles_open",
        "feed_troubles",
        ["connection", "what", "kind"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_table(
        "conversation_roles",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("given_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.PrimaryKeyConstraint("conversation_id", "person_id"),
    )
    op.create_table(
        "project_roles",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("identity_id", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection"], ["connections.name"]),
        sa.PrimaryKeyConstraint("connection", "identity_id"),
    )
    op.create_table(
        "audit_cuts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "through_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("cut_at", UTCDateTime(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "team_channels",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("team_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_team_channels_team_id", "team_channels", ["team_id"], unique=False)
    _let_audit_be_forgotten_by_age()


def _let_audit_be_forgotten_by_age() -> None:
    """Entries may go up to the cut that says how far the audit was forgotten; none else may."""
    beyond = "OLD.id > coalesce((SELECT through_id FROM audit_cuts WHERE id = 1), 0)"
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_refuses_delete")
        op.execute(
            f"CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit WHEN {beyond}"
            " BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END"
        )
        return
    op.execute("DROP TRIGGER audit_refuses ON audit")
    op.execute(
        "CREATE TRIGGER audit_refuses BEFORE UPDATE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()"
    )
    op.execute(
        "CREATE FUNCTION audit_refuses_delete() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {beyond} THEN RAISE EXCEPTION 'the audit is append only';"
        " END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_refuses_delete()"
    )
