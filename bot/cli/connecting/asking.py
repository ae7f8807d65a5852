"""The questions of ``pullcord connect`` in a terminal, each with a default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import click

from adapters.azure_devops.network import Network
from adapters.azure_devops.stored_credentials import (
    CERTIFICATE,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
)
from bot.cli.connecting.wanted import (
    Wanted,
    application,
    check_date,
    check_defaults,
    check_naming,
    check_services,
    check_url,
    network_from,
    pat,
    read_file,
)
from bot.connections.conventions import SERVICES
from storage.queries.connections import NewCredential

T = TypeVar("T")

WAYS = {
    "token": "a personal access token",
    "secret": "a service principal with a client secret",
    "certificate": "a service principal with a certificate",
    "managed": "the managed identity of this machine",
}
KINDS = {"secret": SERVICE_PRINCIPAL, "certificate": CERTIFICATE, "managed": MANAGED_IDENTITY}
SCOPES_TO_TICK = (
    "Scopes to tick for the token: Code (Read & write), Work Items (Read & write), Build (Read), "
    "Project and Team (Read), Identity (Read)."
)
MOST_SHOWN = 30
KEEP = "keep"


def ask_address(wanted: Wanted) -> None:
    """Where Azure DevOps is, and how it is reached."""
    wanted.url = again(
        lambda: check_url(
            click.prompt(
                "Address of the organisation or collection",
                default=wanted.url or None,
                prompt_suffix=" (https://dev.azure.com/…): " if not wanted.url else ": ",
            )
        )
    )
    question = "Is there a gateway, a proxy or an own certificate authority on the way?"
    if click.confirm(question, default=wanted.network != Network()):
        wanted.network = again(lambda: _ask_network(wanted.network))


def _ask_network(known: Network) -> Network:
    names = ", ".join(known.headers)
    click.echo(f"Headers now: {names}" if names else "Headers that the gateway needs, if any.")
    question = "Header 'Name: value' (empty: no more)"
    headers = []
    while text := click.prompt(question, default="", hide_input=True, show_default=False):
        headers.append(text)
    bundle = click.prompt(
        "File with the authorities' certificates (PEM)", default=KEEP if known.ca_pem else "none"
    )
    proxy = click.prompt(
        "Proxy (http://…, or none)", default=KEEP if known.proxy else "none", hide_input=True
    )
    return network_from(
        known, headers, None if bundle == KEEP else bundle, None if proxy == KEEP else proxy
    )


def ask_credential(label: str = "main") -> NewCredential:
    """How to sign in, with the secret hidden."""
    for word, meaning in WAYS.items():
        click.echo(f"  {word:12}{meaning}")
    way = click.prompt("How to sign in", type=click.Choice(list(WAYS)), default="token")
    label = click.prompt("A name for this credential", default=label)
    if way == "token":
        click.echo(SCOPES_TO_TICK)
        secret = click.prompt("Token", hide_input=True).strip()
        return again(lambda: pat(secret, label=label, expires_at=ask_expiry()))
    return again(lambda: _ask_application(KINDS[way], label))


def _ask_application(kind: str, label: str) -> NewCredential:
    if kind == MANAGED_IDENTITY:
        client = click.prompt("Client id (empty: the system-assigned identity)", default="")
        return application(kind, "", client_id=client, tenant="", label=label)
    client = click.prompt("Application (client) id")
    tenant = click.prompt("Tenant id")
    if kind == CERTIFICATE:
        secret = read_file(click.prompt("File with private key and certificate (PEM)"))
    else:
        secret = click.prompt("Client secret", hide_input=True).strip()
    return application(
        kind, secret, client_id=client, tenant=tenant, label=label, expires_at=ask_expiry()
    )


def ask_expiry() -> datetime | None:
    """The day on which it ends, because Azure DevOps does not tell."""
    return check_date(
        click.prompt("Its last day (2027-03-31, or never); I warn 14 days before", default="never")
    )


def ask_projects(wanted: Wanted, seen: Sequence[str]) -> None:
    """All that the credential sees, or some."""
    click.echo(f"Projects seen: {_shown(seen)}")
    wanted.projects = again(
        lambda: _chosen(
            click.prompt("Which (names with commas, or all)", default=_listed(wanted.projects)),
            seen,
            "project",
        )
    )


def ask_conventions(wanted: Wanted, repositories: Sequence[str]) -> None:
    """What it is about and how branches are named."""
    now = wanted.conventions
    click.echo(f"Repositories found: {_shown(repositories)}")
    chosen = again(
        lambda: _chosen(
            click.prompt("Which (names with commas, or all)", default=_listed(now.repositories)),
            repositories,
            "repository",
        )
    )
    on = [name for name in SERVICES if getattr(now, name)]
    services = again(
        lambda: check_services(
            _split(click.prompt(f"Services ({', '.join(SERVICES)})", default=",".join(on)))
        )
    )
    types, areas = now.ticket_types, now.area_paths
    if services["tickets"]:
        types = tuple(_some(click.prompt("Ticket types (or all)", default=_listed(types))))
        areas = tuple(_some(click.prompt("Area paths (or all)", default=_listed(areas))))
    wanted.conventions = replace(
        now,
        repositories=tuple(chosen),
        ticket_types=types,
        area_paths=areas,
        **services,
    )
    wanted.branch_template = again(
        lambda: check_naming(click.prompt("Names of branches", default=wanted.branch_template))
    )
    wanted.default_repositories = again(lambda: _ask_defaults(wanted, repositories))


def _ask_defaults(wanted: Wanted, repositories: Sequence[str]) -> Mapping[str, str]:
    """What commands mean that name no repository: everywhere, or in one channel."""
    click.echo(
        "Where no repository is named I ask, unless the conversation follows one alone, or has a "
        "default. Write PROJECT/REPOSITORY for every conversation, TEAM/CHANNEL=PROJECT/REPOSITORY "
        "(or a channel's link=…) for one; `use` in Teams changes it there."
    )
    now = [f"{name}={v}" if name else v for name, v in wanted.default_repositories.items()]
    texts = _split(click.prompt("Default repositories (or none)", default=",".join(now) or "none"))
    found = check_defaults({}, [] if texts == ["none"] else texts)
    _chosen(",".join(found.values()), repositories, "repository")
    return found


def again(ask: Callable[[], T]) -> T:
    """Ask until the answer is right, with the reason each time."""
    while True:
        try:
            return ask()
        except click.ClickException as error:
            click.echo(f"  {error.format_message()}", err=True)


def _chosen(text: str, seen: Sequence[str], what: str) -> Sequence[str]:
    known = {name.casefold(): name for name in seen}
    wanted = _some(text)
    unknown = [name for name in wanted if name.casefold() not in known]
    if unknown:
        raise click.UsageError(f"there is no {what} {', '.join(unknown)}")
    return [known[name.casefold()] for name in wanted]


def _some(text: str) -> Sequence[str]:
    parts = _split(text)
    return [] if [part.lower() for part in parts] in ([], ["all"]) else parts


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _listed(names: Sequence[str]) -> str:
    return ",".join(names) or "all"


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more or "none"
