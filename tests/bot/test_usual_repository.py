"""Which repository commands mean that name none, and who said so."""

import pytest

from bot.usual_repository import usual_connections, usual_everywhere, usual_here
from storage.tables import Connection, ConversationRow, RepositoryRow
from tests.bot.talking import NOW

DEFAULTS = {
    "contoso": {"": "Shop/web", "Web/General": "Shop/api", "Web": "Shop/web", "chat-1": "Shop/api"},
    "plant": {"Plant/Line 1": "Plant/web", "": "Plant/gone"},
}
CONNECTIONS = [
    Connection(name=name, base_url="", created_at=NOW, settings={"default_repositories": defaults})
    for name, defaults in DEFAULTS.items()
]
REPOSITORIES = [
    RepositoryRow(connection=connection, id=f"{name}-id", name=name, project_id="", project_name=p)
    for connection, p, name in (
        ("contoso", "Shop", "web"),
        ("contoso", "Shop", "api"),
        ("plant", "Plant", "web"),
    )
]


def channel(team: str, name: str = "", **used: str) -> ConversationRow:
    return ConversationRow(
        id="19:x", kind="channel", service_url="", tenant_id="", team_name=team, name=name,
        team_id="19:x" if not name else "19:team", created_at=NOW, **used,
    )  # fmt: skip


CHAT = ConversationRow(
    id="chat-1", kind="groupChat", service_url="", tenant_id="", name="", created_at=NOW
)


@pytest.mark.parametrize(
    ("here", "meant"),
    [
        (channel("Web"), "contoso/api"),  # Teams gives the first channel no name
        (channel("web", "GENERAL"), "contoso/api"),
        (channel("Web", "Releases"), "contoso/web"),
        (channel("Plant", "Line 1"), "plant/web"),
        (CHAT, "contoso/api"),
        (channel("Other", "General"), ""),
        (
            ConversationRow(  # Teams has not said its name
                id="19:y",
                kind="channel",
                service_url="",
                tenant_id="",
                team_name="Web",
                team_id="19:x",
                created_at=NOW,
            ),
            "contoso/web",
        ),
        (None, ""),
        (
            channel("Web", default_connection="plant", default_repository="web-id"),
            "plant/web",
        ),
    ],
)
def test_the_narrowest_word_counts_and_what_was_said_there_before_all(
    here: ConversationRow | None, meant: str
) -> None:
    found = usual_here(here, CONNECTIONS, REPOSITORIES)
    assert [f"{row.connection}/{row.name}" for row in found] == ([meant] if meant else [])
    assert usual_connections(here, CONNECTIONS) == {row.connection for row in found}


def test_what_counts_everywhere_is_only_what_is_there() -> None:
    found = usual_everywhere(CONNECTIONS, REPOSITORIES)
    assert [(row.connection, row.name) for row in found] == [("contoso", "web")]
