"""Which connection and which project or repository are meant, when there are several."""

import pytest

from bot.commands.choosing import Known, pick_connection
from bot.commands.command import CommandRefused
from bot.commands.failures import explain
from bot.commands.following import Following, find_following, parse_target
from bot.commands.text import Reference
from bot.ports import AuthenticationFailed, AzureDevOpsError, RateLimited, Unreachable
from storage.tables import Connection, ConversationRow, RepositoryRow, Subscription
from tests.bot.talking import NOW

CONTOSO = "https://dev.azure.com/contoso"
SERVER = "https://tfs.example.com/tfs/Main"


def known(*subscribed: str) -> Known:
    return Known(
        connections=[
            Connection(name="contoso", base_url=CONTOSO, created_at=NOW),
            Connection(name="main", base_url=SERVER, created_at=NOW, projects=["Empty"]),
        ],
        repositories=[
            repository("contoso", "Web", "shop"),
            repository("contoso", "Web", "Web"),
            repository("main", "Web", "shop"),
            repository("main", "Tools", "pull"),
        ],
        subscriptions=[
            Subscription(conversation_id="c", connection=name, project="Web", created_at=NOW)
            for name in subscribed
        ],
    )


def repository(connection: str, project: str, name: str) -> RepositoryRow:
    return RepositoryRow(
        connection=connection,
        id=f"{connection}-{project}-{name}",
        name=name,
        project_id=project.lower(),
        project_name=project,
    )


def conversation(default: str = "") -> ConversationRow:
    return ConversationRow(
        id="c",
        kind="channel",
        service_url="",
        tenant_id="",
        default_connection=default,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("reference", "default", "subscribed", "chosen"),
    [
        (Reference(5, connection="MAIN"), "", (), "main"),
        (Reference(5, url=f"{SERVER}/Web/_workitems/edit/5"), "contoso", (), "main"),
        (
            Reference(5, url="https://contoso.visualstudio.com/Web/_workitems/edit/5"),
            "",
            (),
            "contoso",
        ),
        (Reference(5), "main", ("contoso",), "main"),
        (Reference(5), "", ("contoso",), "contoso"),
    ],
)
def test_the_connection_is_named_by_words_address_or_place(
    reference: Reference, default: str, subscribed: tuple[str, ...], chosen: str
) -> None:
    picked = pick_connection(known(*subscribed), conversation(default), reference, "ticket")
    assert picked.name == chosen


@pytest.mark.parametrize("subscribed", [(), ("contoso", "main")])
def test_an_open_choice_of_connections_is_asked_with_an_example(
    subscribed: tuple[str, ...],
) -> None:
    with pytest.raises(CommandRefused, match="`ticket contoso:5`"):
        pick_connection(known(*subscribed), conversation(), Reference(5), "ticket")


def test_an_unknown_connection_is_refused_with_those_there_are() -> None:
    with pytest.raises(CommandRefused, match="I know contoso, main"):
        pick_connection(known(), conversation(), Reference(5, connection="fabrikam"), "ticket")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("main:web/SHOP", Following("main", "Web", "shop")),
        ("contoso:Web", Following("contoso", "Web")),
        ("tools", Following("main", "Tools")),
        ("empty", Following("main", "Empty")),
        ("pull", Following("main", "Tools", "pull")),
        ('"Web" / "Web"', Following("contoso", "Web", "Web")),
        (f"{CONTOSO}/Web/_git/shop", Following("contoso", "Web", "shop")),
        (f"{CONTOSO}/_git/Web?version=GBmain", Following("contoso", "Web", "Web")),
        (f"{SERVER}/Tools/_git/pull/pullrequest/4", Following("main", "Tools", "pull")),
        (f"{SERVER}/Tools", Following("main", "Tools")),
        ("nothing", None),
        ("Web/nothing", None),
    ],
)
def test_a_project_or_repository_is_found_by_every_name(
    words: str, meant: Following | None
) -> None:
    assert find_following(known(), parse_target(words)) == meant


@pytest.mark.parametrize("words", ["Web", "Web/shop", "shop"])
def test_a_name_of_several_is_asked(words: str) -> None:
    with pytest.raises(CommandRefused, match="Several are called"):
        find_following(known(), parse_target(words))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unreachable("refused"), "Azure DevOps cannot be reached. It says: refused. Please try"),
        (
            Unreachable("Azure DevOps cannot be reached: no answer."),
            "Azure DevOps cannot be reached: no answer. Please try again",
        ),
        (AuthenticationFailed("TF400813: not authorized."), "`pullcord doctor` says which one"),
        (RateLimited("slow", retry_after_s=12.4), "try again in 12 seconds"),
        (AzureDevOpsError("odd"), "Azure DevOps reported a failure. It says: odd."),
    ],
)
def test_failures_are_explained_with_the_next_step(error: AzureDevOpsError, expected: str) -> None:
    assert expected in explain(error)
