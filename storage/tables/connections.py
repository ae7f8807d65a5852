"""Connections to Azure DevOps, their credentials, hooks and repositories."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, event
from sqlmodel import Field, SQLModel

from storage.text import folded


class Connection(SQLModel, table=True):
    """One Azure DevOps organisation or collection.

    ``projects`` are the project names it serves. ``secret_hash`` and ``old_secret_hash`` are hashes
    of the webhook secret: both are valid while a rotation is on.
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


class Credential(SQLModel, table=True):
    """A PAT or service principal of a connection; ``secret`` is encrypted (storage.secrets).

    ``kind``: ``pat`` or ``service_principal``; for the latter ``client_id`` and ``tenant_id`` are
    set and ``secret`` is the client secret.
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
    created_at: datetime


class Hook(SQLModel, table=True):
    """A service hook subscription in Azure DevOps that feeds us. ``id`` is its GUID."""

    __tablename__ = "hooks"

    id: str = Field(primary_key=True)
    connection: str = Field(foreign_key="connections.name", index=True)
    event_type: str
    inputs: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    status: str = "enabled"
    last_delivery_at: datetime | None = None
    created_at: datetime


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
