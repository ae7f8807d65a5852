"""People and the Teams conversations they talk in."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, event
from sqlmodel import Field

from storage.tables.row import Row
from storage.text import account_key, folded

ANY_REPOSITORY = "*"


class Person(Row, table=True):
    """One human as Teams knows him. ``mail`` is lower case, from the Teams roster (UPN or mail).

    ``personal_conversation_id`` is set once there is a personal chat with the bot. Until
    ``unreachable_until`` none is opened: Teams refused it, mostly because the app is not there.
    ``confirmed_at`` is when the roster last said that he is there, and whether as a guest.
    """

    __tablename__ = "people"

    id: int | None = Field(default=None, primary_key=True)
    teams_user_id: str = Field(unique=True)
    aad_object_id: str = Field(default="", index=True)
    tenant_id: str = ""
    name: str = ""
    mail: str = Field(default="", index=True)
    is_guest: bool = False
    confirmed_at: datetime | None = None
    timezone: str = ""
    service_url: str = ""
    personal_conversation_id: str = Field(default="", index=True)
    away_until: datetime | None = None
    unreachable_until: datetime | None = None
    removed_at: datetime | None = None
    preferences: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )


class IdentityRow(Row, table=True):
    """An Azure DevOps identity and, once matched, its person.

    ``account_key`` is ``unique_name`` without case; it is kept up by itself.
    ``matched_by``: mail, administrator or self (the same mail in Teams). ``requested_by`` is a
    person who asked to be this identity and waits for an administrator.
    """

    __tablename__ = "identities"
    __table_args__ = (Index("ix_identities_account", "connection", "account_key"),)

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    id: str = Field(primary_key=True)
    display_name: str = ""
    unique_name: str = ""
    account_key: str = ""
    is_group: bool = False
    person_id: int | None = Field(default=None, foreign_key="people.id", index=True)
    matched_by: str = ""
    requested_by: int | None = Field(default=None, foreign_key="people.id")


@event.listens_for(IdentityRow, "before_insert")
@event.listens_for(IdentityRow, "before_update")
def _keep_account_key(_mapper: object, _connection: object, row: IdentityRow) -> None:
    row.account_key = account_key(row.unique_name)


class ConversationRow(Row, table=True):
    """A Teams conversation the bot is or was in. ``state``: active or gone."""

    __tablename__ = "conversations"

    id: str = Field(primary_key=True)
    kind: str
    service_url: str
    tenant_id: str
    name: str = ""
    team_id: str = Field(default="", index=True)
    team_name: str = ""
    channel_id: str = ""
    default_connection: str = ""
    default_repository: str = ""
    state: str = "active"
    gone_reason: str = ""
    created_at: datetime


class TeamChannel(Row, table=True):
    """What a channel of a team is called, whether anybody wrote to the bot there or not.

    ``name`` is "" for the first one, whose id is the team's. ``read_at``: when Teams said it.
    """

    __tablename__ = "team_channels"

    id: str = Field(primary_key=True)
    team_id: str = Field(index=True)
    team_name: str = ""
    name: str = ""
    read_at: datetime


class Subscription(Row, table=True):
    """A conversation's wish to hear of a project or repository.

    ``repository`` empty means all of the project; it may hold wildcards that match whole names.
    ``target_branches`` are patterns, ``!`` negates; empty means all.
    ``drafts``: silent, announce or published (told when published). ``project_key`` is the project
    without case, ``repository_key`` the repository without case, or ``*`` if it holds wildcards;
    both are kept up by themselves.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("conversation_id", "connection", "project", "repository"),
        Index("ix_subscriptions_repository", "connection", "project_key", "repository_key"),
    )

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: str = Field(foreign_key="conversations.id", index=True)
    connection: str = Field(foreign_key="connections.name")
    project: str
    project_key: str = ""
    repository: str = ""
    repository_key: str = ""
    target_branches: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    drafts: str = "published"
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_by: str = ""
    created_at: datetime
    paused_at: datetime | None = None


@event.listens_for(Subscription, "before_insert")
@event.listens_for(Subscription, "before_update")
def _keep_keys(_mapper: object, _connection: object, row: Subscription) -> None:
    row.project_key = folded(row.project)
    has_wildcards = any(character in row.repository for character in "*?[")
    row.repository_key = ANY_REPOSITORY if has_wildcards else folded(row.repository)


class PostedCard(Row, table=True):
    """The one living card of a pull request in a conversation.

    ``activity_id`` is Teams' id of the message, empty until it is posted; in a channel it is the
    root of the thread. ``content_hash`` is of the card last sent, so that an equal one is not sent
    again.
    """

    __tablename__ = "posted_cards"

    conversation_id: str = Field(primary_key=True, foreign_key="conversations.id")
    pull_request_id: int = Field(primary_key=True, foreign_key="pull_requests.id", index=True)
    activity_id: str = ""
    content_hash: str = ""
    thread_id: str = ""
    posted_at: datetime | None = None
    updated_at: datetime | None = None
