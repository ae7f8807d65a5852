"""Cards of modules outside bot.cards: connections, their feeds, previews, and who is whom."""

from datetime import timedelta

from bot.cards.view import dump_state
from bot.connections.telling import (
    expiry_message,
    failed_message,
    paused_message,
    resumed_message,
    works_message,
)
from bot.hooks.telling import back_message, began_message, cut_off_message, ended_message
from bot.identity_requests import confirmed_card, request_card
from bot.link_previews import pull_request_preview, ticket_preview
from bot.pull_request_state import PullRequestState
from bot.teams_model import OutgoingMessage
from storage.tables import (
    Connection,
    Credential,
    FeedTrouble,
    IdentityRow,
    Person,
    PullRequestRow,
    TicketRow,
)
from tests.bot.pull_request_samples import at
from tests.cards.pull_requests import BASE, LONG_TITLE, PULL_REQUESTS

NAME = "contoso"
REFUSED = "Azure DevOps: the personal access token has expired"
SILENT = (
    "No webhook has come from Shop/web for 26 h, though I found 5 changes there. If the account "
    "that made the hooks has lost its access, make them anew: `pullcord hooks remove`, then "
    "`install`"
)
FAULTS = (
    "“Code pushed in Shop” was disabled by Azure DevOps, because deliveries failed for long",
    "“Build completed in Shop” was switched off by hand again after I had undone that, so I "
    "leave it",
    "The last 4 deliveries of “Pull request updated in Shop” failed (answered 401)",
    SILENT,
)


def told_samples() -> dict[str, OutgoingMessage]:
    """The cards by name, ``connection-paused``: what it is about and its state."""
    return {**_connections(), **_feeds(), **_previews(), **_identities()}


def _connections() -> dict[str, OutgoingMessage]:
    token, other = _credential(1, "team token"), _credential(2, "")
    return {
        "connection-expires": expiry_message(NAME, token, 14),
        "connection-expires-tomorrow": expiry_message(NAME, token, 1),
        "connection-expires-today": expiry_message(NAME, other, 0),
        "connection-credential-fails": failed_message(NAME, token, REFUSED, [other]),
        "connection-no-credential": failed_message(NAME, token, REFUSED, []),
        "connection-credential-works": works_message(NAME, token),
        "connection-paused": paused_message(NAME, f"No credential works. team token: {REFUSED}"),
        "connection-resumed": resumed_message(NAME),
    }


def _credential(number: int, label: str) -> Credential:
    return Credential(
        id=number, connection=NAME, kind="pat", label=label, secret="encrypted", created_at=at(0)
    )


def _feeds() -> dict[str, OutgoingMessage]:
    open_ones = [_trouble(says) for says in FAULTS]
    mended = [_trouble(FAULTS[0], is_repaired=True)]
    return {
        "feed-trouble": began_message(NAME, [*mended, *open_ones[1:]]),
        "feed-trouble-many": began_message(NAME, open_ones * 3),
        "feed-mended-one": began_message(NAME, mended),
        "feed-mended-several": began_message(NAME, mended * 3),
        "feed-well-again": ended_message(NAME, open_ones[1:]),
        "feed-cut-off": cut_off_message(open_ones[0]),
        "feed-back": back_message(open_ones[0]),
    }


def _trouble(says: str, *, is_repaired: bool = False) -> FeedTrouble:
    return FeedTrouble(
        connection=NAME,
        what="hook",
        kind="disabled",
        project="Shop",
        says=says,
        is_repaired=is_repaired,
        began_at=at(0),
        seen_at=at(0) + timedelta(minutes=10),
    )


def _previews() -> dict[str, OutgoingMessage]:
    shown = ("waiting", "draft", "conflicts", "completed", "long-texts")
    connection = Connection(name=NAME, base_url=BASE, created_at=at(0))
    ticket = TicketRow(
        connection=NAME,
        number=12,
        rev=3,
        project_name="Shop",
        type="Bug",
        title="The checkout is slow",
        state="Active",
        assigned_to="Jonas Sample",
        as_of=at(0),
    )
    long = ticket.model_copy(update={"title": LONG_TITLE, "assigned_to": ""})
    return {
        **{f"preview-pull-request-{name}": _preview(PULL_REQUESTS[name].state) for name in shown},
        "preview-ticket": ticket_preview(connection, ticket),
        "preview-ticket-long": ticket_preview(connection, long),
    }


def _preview(state: PullRequestState) -> OutgoingMessage:
    row = PullRequestRow(
        connection=NAME,
        number=state.number,
        repository_id=state.repository.id,
        title=state.title,
        status=state.status.value,
        author_id=state.author.id,
        source_ref=state.source_ref,
        target_ref=state.target_ref,
        created_at=at(0),
        as_of=at(0),
        updated_at=at(0),
        state=dump_state(state),
    )
    url = f"{BASE}/Shop/_git/web/pullrequest/{state.number}"
    return pull_request_preview(row, url, has_conflicts=state.has_conflicts)


def _identities() -> dict[str, OutgoingMessage]:
    maya = Person(id=1, teams_user_id="29:maya", name="Maya Sample", mail="maya@example.com")
    wanted = IdentityRow(
        connection=NAME, id="id", display_name="M. Sample", unique_name="m.sample@example.org"
    )
    taken = wanted.model_copy(update={"person_id": 2})
    return {
        "identity-request": request_card(wanted, maya),
        "identity-request-of-another": request_card(taken, maya),
        "identity-confirmed": confirmed_card(wanted),
    }
