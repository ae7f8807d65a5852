"""Who may do what, and what Azure DevOps says of that."""

from datetime import datetime

from sqlmodel import Field

from storage.tables.row import Row

EVERYBODY = 0
"""``ConversationRole.person_id`` of what everybody in the conversation has."""


class ConversationRole(Row, table=True):
    """A role that was given in a conversation; ``person_id`` 0 means everybody in it.

    ``role`` is the name of a bot.roles.Role in lower case.
    """

    __tablename__ = "conversation_roles"

    conversation_id: str = Field(primary_key=True, foreign_key="conversations.id")
    person_id: int = Field(primary_key=True)
    role: str
    given_by: str = ""
    given_at: datetime


class ProjectRoleRow(Row, table=True):
    """What an identity is in the projects of its connection (bot.project_roles.ProjectStanding).

    ``standing`` is empty when Azure DevOps' groups say nothing of it.
    """

    __tablename__ = "project_roles"

    connection: str = Field(primary_key=True, foreign_key="connections.name")
    identity_id: str = Field(primary_key=True)
    standing: str = ""
    read_at: datetime
