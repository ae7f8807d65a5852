"""``pullcord connect``: by questions in a terminal, by flags, or by a file."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import click

from adapters.azure_devops.network import decoded
from adapters.azure_devops.stored_credentials import (
    CERTIFICATE,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    load,
)
from bot.branch_template import DEFAULT_TEMPLATE
from bot.cli import Failed
from bot.cli.connecting.asking import (
    ask_address,
    ask_conventions,
    ask_credential,
    ask_projects,
)
from bot.cli.connecting.learning import learn_repositories
from bot.cli.connecting.storing import show_next, show_secret, store
from bot.cli.connecting.trying import require_defaults, require_well, secret_box, show, try_wanted
from bot.cli.connecting.wanted import (
    Wanted,
    application,
    check_date,
    check_defaults,
    check_merge_status,
    check_name,
    check_naming,
    check_services,
    check_url,
    credentials_in,
    from_environment,
    load_file,
    network_from,
    pat,
    read_file,
)
from bot.cli.database import open_database
from bot.conflicts.statuses import StatusMode, mode_of
from bot.connections.conventions import SERVICES, conventions_of
from bot.settings import Settings, SettingsError, load_settings
from bot.usual_repository import defaults_of
from storage.engine import Database
from storage.queries import connections as stored
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, SecretKeyError

F = TypeVar("F", bound=Callable[..., Any])


def credential_options(function: F) -> F:
    """The flags that say how to sign in."""
    for option in reversed(
        (
            click.option("--pat-env", help="environment variable of a personal access token"),
            click.option("--client-id", help="application id of a service principal or identity"),
            click.option("--client-tenant", help="its tenant"),
            click.option("--client-secret-env", help="environment variable of its secret"),
            click.option("--certificate", help="file with its private key and certificate (PEM)"),
            click.option("--managed-identity", is_flag=True, help="the identity of this machine"),
            click.option("--label", help="what this credential is called"),
            click.option("--expires", help="its last day, 2027-03-31: administrators are warned"),
        )
    ):
        function = option(function)
    return function


@click.command()
@click.argument("name", required=False)
@click.option("--url", help="https://dev.azure.com/ORGANISATION, or a Server's collection")
@click.option("--project", "projects", multiple=True, help="again for more; without: all seen")
@click.option("--repository", "repositories", multiple=True, help="PROJECT/NAME; without: all")
@click.option("--area-path", "area_paths", multiple=True, help="of tickets; without: all")
@click.option("--ticket-type", "ticket_types", multiple=True, help="without: all")
@click.option("--service", "services", multiple=True, help=f"of {', '.join(SERVICES)}; all")
@credential_options
@click.option("--header", "headers", multiple=True, help="'Name: value' for a gateway")
@click.option("--header-env", "header_envs", multiple=True, help="variable that holds such a line")
@click.option("--ca-bundle", help="file with own authorities' certificates (PEM), or none")
@click.option("--proxy", help="http://…, or none")
@click.option(
    "--branch-template",
    help="how `start ticket` names branches; {type} {id} {slug} {user} "
    f"[default: {DEFAULT_TEMPLATE}]",
)
@click.option(
    "--default-repository",
    "default_repositories",
    multiple=True,
    help="'TEAM/CHANNEL=PROJECT/NAME', what commands there mean that name none (or a "
    "channel's link before the =); without 'TEAM/CHANNEL=' those of every conversation; 'none' "
    "takes it back",
)
@click.option(
    "--merge-status",
    type=click.Choice([mode.value for mode in StatusMode]),
    help="whose status pullcord/mergeable is posted: of all open pull requests, so that a branch "
    f"policy can require it; only of those with conflicts; or off [default: {StatusMode.ALL}]",
)
@click.option("--api-version", help="without: the newest that the server offers")
@click.option("--file", "path", help="all of this from a TOML file; flags go before it")
@click.option("--edit", is_flag=True, help="change a connection that is there")
@click.option(
    "--ask/--no-ask",
    default=None,
    help="ask questions; by itself in a terminal, but not where --edit is told what to change",
)
@click.option("--anyway", is_flag=True, help="store it although a test fails")
def connect(
    name: str | None, path: str | None, edit: bool, ask: bool | None, anyway: bool, **given: Any
) -> None:
    """Connect an Azure DevOps organisation or collection under NAME.

    Asks step by step in a terminal; scripts give flags or a file. Everything that will be needed
    is tried first. The credential is stored encrypted, and the webhook secret is printed once.
    With --edit, what is not given stays as it is.
    """
    told = load_file(path) if path else {}
    is_told = edit and bool(told or any(given.values()))
    is_asking = (sys.stdin.isatty() and not is_told) if ask is None else ask
    try:
        settings = load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None
    name = name or str(told.get("name", "")) or None
    if name is None and not is_asking:
        raise click.UsageError("say the NAME of the connection, or run it in a terminal")
    name = check_name(name or click.prompt("A short name for it (contoso)"))
    asyncio.run(_connect(settings, name, told, given, edit=edit, ask=is_asking, anyway=anyway))


async def _connect(
    settings: Settings,
    name: str,
    told: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    edit: bool,
    ask: bool,
    anyway: bool,
) -> None:
    has_url = bool(given["url"] or told.get("url"))
    is_complete = has_url or edit
    if not is_complete and not ask:
        raise click.UsageError("--url is missing; run it in a terminal to be asked")
    new = [*credentials_given(given), *credentials_in(told)]
    if has_url and not edit and not new and not ask:
        raise click.UsageError(
            "say how to sign in: --pat-env VARIABLE, or --client-id, --client-tenant and "
            "--client-secret-env VARIABLE or --certificate FILE, or --managed-identity"
        )
    check_naming(given["branch_template"] or told.get("branch_template") or DEFAULT_TEMPLATE)
    box = secret_box(settings)
    async with open_database(settings) as db:
        wanted = await _present(db, box, name)
        if edit and not wanted.is_known:
            raise Failed(f"there is no connection {name!r}: see `pullcord connections`")
        _apply(wanted, told, given)
        wanted.credentials = new
        known = await db.read(lambda s: load(s, name))
        old = known.credentials if known else ()
        if ask:
            if not has_url:
                ask_address(wanted)
            if not old and not new:
                wanted.credentials = [ask_credential()]
            await _ask_the_rest(settings, box, wanted, old, is_filled=has_url)
        tried = await try_wanted(settings, box, wanted, old)
        show(tried.checks)
        if not anyway:
            require_well(tried, is_known=wanted.is_known)
            require_defaults(wanted, tried)
        secret = await store(db, box, wanted, tried)
        click.echo(f"Connected {name} to {wanted.url}.")
        if all(check.is_well for check in tried.checks):
            await learn_repositories(settings, db, box, name)
    if secret:
        show_secret(settings, name, secret)
        show_next(name, wanted.projects or tried.projects)


async def _ask_the_rest(
    settings: Settings, box: SecretBox, wanted: Wanted, old: Sequence[Any], *, is_filled: bool
) -> None:
    """Projects and repositories are shown as the credential sees them; so it signs in first."""
    first = await try_wanted(settings, box, wanted, old)
    while first.account is None:
        show(first.checks)
        if not click.confirm("Try again with another credential or address?", default=True):
            raise Failed("not stored: the connection does not work")
        ask_address(wanted)
        wanted.credentials = [ask_credential()]
        first = await try_wanted(settings, box, wanted, old)
    click.echo(f"Signed in as {first.account.display_name}.")
    if is_filled:
        return
    ask_projects(wanted, first.projects)
    chosen = wanted.projects or first.projects
    seen = await try_wanted(settings, box, wanted, old, projects=chosen)
    ask_conventions(wanted, seen.repositories)


async def _present(db: Database, box: SecretBox, name: str) -> Wanted:
    """The connection as it is stored, or a new one."""
    row = await db.read(lambda s: stored.get(s, name))
    if row is None:
        return Wanted(name)
    try:
        network = decoded(box.decrypt(row.network) if row.network else "")
    except SecretKeyError as error:
        raise Failed(str(error)) from None
    return Wanted(
        name,
        url=row.base_url,
        projects=list(row.projects),
        conventions=conventions_of(row.settings),
        branch_template=row.branch_template,
        default_repositories=defaults_of(row.settings),
        merge_status=mode_of(row.settings),
        network=network,
        is_known=True,
    )


def _apply(wanted: Wanted, told: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Flags before the file, the file before what is stored."""

    def value(key: str) -> Any:
        return given.get(key) or told.get(key)

    if value("url"):
        wanted.url = check_url(str(value("url")))
    if value("projects"):
        wanted.projects = list(value("projects"))
    lists = ("repositories", "area_paths", "ticket_types")
    chosen: dict[str, Any] = {key: tuple(value(key)) for key in lists if value(key)}
    if value("services"):
        chosen |= check_services(value("services"))
    wanted.conventions = replace(wanted.conventions, **chosen)
    wanted.branch_template = check_naming(value("branch_template") or wanted.branch_template)
    wanted.default_repositories = check_defaults(
        wanted.default_repositories, value("default_repositories") or ()
    )
    wanted.merge_status = check_merge_status(value("merge_status") or wanted.merge_status)
    wanted.api_version = str(value("api_version") or "")
    headers = [*given["headers"], *map(from_environment, value("header_envs") or ())]
    proxy_env = told.get("proxy_env")
    proxy = given["proxy"] or (from_environment(str(proxy_env)) if proxy_env else None)
    wanted.network = network_from(wanted.network, headers, value("ca_bundle"), proxy)


def credentials_given(given: Mapping[str, Any]) -> list[NewCredential]:
    """The credential that flags tell of, if any. Raises Failed, click.UsageError."""
    label, expires_at = given["label"] or "", check_date(given["expires"])
    if given["pat_env"]:
        secret = from_environment(given["pat_env"])
        return [pat(secret, label=label or given["pat_env"], expires_at=expires_at)]
    ids = {"client_id": given["client_id"] or "", "tenant": given["client_tenant"] or ""}
    if given["managed_identity"]:
        return [application(MANAGED_IDENTITY, "", label=label, expires_at=expires_at, **ids)]
    if given["certificate"]:
        pem = read_file(given["certificate"])
        return [application(CERTIFICATE, pem, label=label, expires_at=expires_at, **ids)]
    if given["client_secret_env"]:
        secret = from_environment(given["client_secret_env"])
        return [application(SERVICE_PRINCIPAL, secret, label=label, expires_at=expires_at, **ids)]
    if given["client_id"] or given["client_tenant"]:
        raise click.UsageError("a service principal needs --client-secret-env or --certificate")
    return []
