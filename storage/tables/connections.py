"""Connections to Azure DevOps, their credentials, hooks and repositories."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, event, text
from sqlmodel import Field, SQLModel

from storage.tables.partial_index import partial_index
from storage.text import folded

_IS_OPEN = text("ended_at IS NULL")


class Connection(SQLModel, table=True):
    """One Azure DevOps organisation or collection.

    ``projects`` are the project names it serves. ``secret_hash`` and ``old_secret_hash`` are hashes
    of the webhook secret: while a rotation is on both are valid. The latter may hold several,
    separated by spaces, because each hook sends the secret that it was given. ``network`` is how
    it is reached (headers, proxy, authorities), encrypted because headers and proxies hold secrets.
    ``paused_reason``: no credential of it works, since ``paused_at``. ``unreachable_reason``: the
    last calls had no answer, since ``unreachable_since``. A connection that was
    disconnected keeps its row, because links and pull requests refer to it.
    """

    __tablename__ = "connections"

    name: str = Field(primary_key=True)
    base_url: str
    api_version: str = "7.1"
    projects: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    branch_template: str = "feature/{id}-{slug}"
    secret_hash: str = ""
    old_secret_hash: str = ""
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime
    paused_reason: str = ""
    paused_at: datetime | None = None
    network: str = ""
    unreachable_reason: str = ""
    unreachable_since: datetime | None = None
    disconnected_at: datetime | None = None


class Credential(SQLModel, table=True):
    """A PAT or Entra application of a connection; ``secret`` is encrypted (storage.secrets).

    ``kind``: ``pat``; ``service_principal`` (``secret`` is the client secret) or ``certificate``
    (``secret`` is the private key and certificate as PEM), both with ``client_id`` and
    ``tenant_id``; ``managed_identity`` (no secret; ``client_id`` is empty for the system-assigned
    one). ``failed_at``: Azure DevOps refuses it since then, so it is not used. ``warned_days`` is
    the last warning that was given before ``expires_at``.
    """

    __tablename__ = "credentials"

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name", index=True)
    kind: str
    label: str = ""
    secret: str
    client_id: str = ""
    tenant_id: str = ""
    expires_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    warned_days: int | None = None
    created_at: datetime


class Hook(SQLModel, table=True):
    """A service hook subscription in Azure DevOps that feeds us. ``id`` is its GUID, lower case.

    ``inputs`` are its filters: projectId, and notificationType where there is one.
    ``secret_tag`` names the webhook secret it sends (``storage.secrets.tag_of``); "" is unknown,
    because somebody made the hook by hand. ``changed_at`` is when Pullcord last wrote it,
    ``repaired_at`` when it last did so by itself, because something was wrong.
    """

    __tablename__ = "hooks"

    id: str = Field(primary_key=True)
    connection: str = Field(foreign_key="connections.name", index=True)
    event_type: str
    inputs: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    status: str = "enabled"
    last_delivery_at: datetime | None = None
    created_at: datetime
    secret_tag: str = ""
    changed_at: datetime | None = None
    repaired_at: datetime | None = None


class Feed(SQLModel, table=True):
    """How the service hooks of a connection are watched.

    ``looked_at``: when they were last compared with what they should be. ``history_read_to``: up to
    when Azure DevOps was asked for deliveries that failed.
    """

    __tablename__ = "feeds"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    looked_at: datetime | None = None
    history_read_to: datetime | None = None


class FeedTrouble(SQLModel, table=True):
    """Something wrong with a feed, from ``began_at`` to ``ended_at``.

    ``what`` is a hook's key, ``project/GUID`` when nothing of a project comes in any more, or
    ``repository/GUID`` when a repository is silent. ``kind``: see ``bot.hooks.troubles.Kind``.
    ``seen_at`` is when it was last found; ``says`` is the sentence for people. ``is_repaired``:
    Pullcord mended it; the trouble stays open until it has been well for a while, so that one that
    comes back is not told again and again.
    """

    __tablename__ = "feed_troubles"
    __table_args__ = (
        partial_index(
            "ix_feed_troubles_open",
            "connection",
            "what",
            "kind",
            unique=True,
            where=_IS_OPEN,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str = Field(foreign_key="connections.name", index=True)
    what: str
    kind: str
    project: str = ""
    says: str = ""
    is_repaired: bool = False
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None


class RepositoryRow(SQLModel, table=True):
    """A git repository that Pullcord has seen. ``id`` is its GUID, lower case.

    ``reviewers`` are the configured reviewers' identity ids; empty means recent reviewers.
    ``name_key`` and ``project_key`` are the names without case; they are kept up by themselves.
    """

    __tablename__ = "repositories"
    __table_args__ = (
        Index("ix_repositories_name", "connection", "name_key"),
        Index("ix_repositories_project", "connection", "project_key"),
    )

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    id: str = Field(primary_key=True)
    name: str
    name_key: str = ""
    project_id: str
    project_name: str
    project_key: str = ""
    default_branch: str | None = None
    web_url: str | None = None
    reviewers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    swept_at: datetime | None = None
    removed_at: datetime | None = None


@event.listens_for(RepositoryRow, "before_insert")
@event.listens_for(RepositoryRow, "before_update")
def _keep_name_keys(_mapper: object, _connection: object, row: RepositoryRow) -> None:
    row.name_key = folded(row.name)
    row.project_key = folded(row.project_name)
