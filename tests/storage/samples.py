"""Sample rows that tests stand on."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from storage.inbox import NewHook
from storage.tables import Connection, ConversationRow, Person, PullRequestRow, RepositoryRow

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def new_hook(key: str = "n:1:1", body: bytes = b'{"a": 1}', *, connection: str = "demo") -> NewHook:
    return NewHook(connection, key, body, NOW, "git.push")


def add_connection(session: Session, name: str = "demo") -> None:
    session.add(Connection(name=name, base_url=f"https://example.com/{name}", created_at=NOW))
    session.flush()


def add_conversation(session: Session, conversation_id: str) -> None:
    session.add(
        ConversationRow(
            id=conversation_id,
            kind="channel",
            service_url="https://example.com/teams",
            tenant_id="tenant",
            created_at=NOW,
        )
    )
    session.flush()


def add_repository(session: Session, name: str = "Shop", *, repository_id: str = "r1") -> None:
    session.add(
        RepositoryRow(
            connection="demo",
            id=repository_id,
            name=name,
            project_id="p1",
            project_name="Größe",
        )
    )
    session.flush()


def add_pull_request(session: Session, number: int = 12, **values: Any) -> int:
    defaults: dict[str, Any] = {
        "connection": "demo",
        "number": number,
        "repository_id": "r1",
        "title": "A title",
        "status": "active",
        "author_id": "maya",
        "source_ref": "refs/heads/feature/x",
        "target_ref": "refs/heads/main",
        "created_at": NOW,
        "as_of": NOW,
        "updated_at": NOW,
        "state": {},
    }
    row = PullRequestRow(**(defaults | values))
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def add_person(session: Session, name: str = "Maya Sample", mail: str = "maya@example.com") -> int:
    row = Person(teams_user_id=f"29:{name}", name=name, mail=mail)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id
