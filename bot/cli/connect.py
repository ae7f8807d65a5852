"""``pullcord connect``, ``connections`` and ``rotate-secret``."""

import asyncio
import json
import os
import re

import aiohttp
import click
from sqlmodel import Session

from adapters.azure_devops.base_url import base_url as parse_base_url
from adapters.azure_devops.connections import client_of
from bot.branch_template import check_template
from bot.cli import Failed
from bot.cli.connection_trial import ConnectionRefused, Found, try_connection
from bot.cli.database import open_database
from bot.conflicts.statuses import SETTING, StatusMode, mode_of
from bot.ownership import remember_own_account
from bot.ports import utc_now
from bot.repository_discovery import store_repositories
from bot.settings import Settings, SettingsError, load_settings
from storage.engine import Database
from storage.queries import connections as stored
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, SecretKeyError, new_webhook_secret
from storage.tables import Connection

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
DEFAULT_TEMPLATE = "feature/{id}-{slug}"
HOOKS = """\
Make these service hooks in Azure DevOps (Project settings, Service hooks, Web Hooks), each with
  URL       {url}
  Username  pullcord
  Password  the secret above
  Code pushed; Pull request created; Pull request merge attempted; Pull request commented on;
  Pull request updated, four times: one for each "Change" (source branch updated, reviewers
  changed, status changed, votes score changed);
  Work item created, updated, commented on; Build completed; Repository renamed, deleted."""


@click.command()
@click.argument("name")
@click.option("--url", required=True, help="https://dev.azure.com/ORGANISATION, or a collection")
@click.option("--project", "projects", multiple=True, required=True, help="may be given again")
@click.option("--pat-env", help="the environment variable that holds a personal access token")
@click.option("--client-id", help="a service principal's application id (instead of a PAT)")
@click.option("--client-tenant", help="its tenant")
@click.option("--client-secret-env", help="the environment variable that holds its secret")
@click.option(
    "--branch-template",
    default=DEFAULT_TEMPLATE,
    show_default=True,
    help="how `start ticket` names branches; {type} {id} {slug} {user}",
)
@click.option(
    "--merge-status",
    type=click.Choice([mode.value for mode in StatusMode]),
    default=StatusMode.ALL.value,
    show_default=True,
    help="whose status pullcord/mergeable is posted: of all open pull requests, so that a branch "
    "policy can require it; only of those with conflicts; or off",
)
@click.option("--api-version", default="7.1", show_default=True, help="7.0 for Server 2022")
def connect(
    name: str,
    url: str,
    projects: tuple[str, ...],
    pat_env: str | None,
    client_id: str | None,
    client_tenant: str | None,
    client_secret_env: str | None,
    branch_template: str,
    merge_status: str,
    api_version: str,
) -> None:
    """Connect an Azure DevOps organisation or collection under NAME.

    Tries the credential and the projects, then stores them (the credential encrypted) and prints
    the webhook secret once. When something is wrong nothing is stored. Running it again changes the
    connection and keeps its webhook secret.
    """
    if not NAME.fullmatch(name):
        raise click.UsageError("NAME is lower-case letters, digits and dashes, 40 at most")
    credential = _credential(pat_env, client_id, client_tenant, client_secret_env)
    try:
        settings = load_settings()
        base = parse_base_url(url)
        check_template(branch_template)
    except SettingsError as error:
        raise Failed(str(error)) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    connection = Connection(
        name=name,
        base_url=base.url,
        api_version=api_version,
        projects=list(projects),
        branch_template=branch_template,
        settings={SETTING: merge_status},
        created_at=utc_now(),
    )
    asyncio.run(_connect(settings, connection, credential))


def _credential(
    pat_env: str | None,
    client_id: str | None,
    client_tenant: str | None,
    client_secret_env: str | None,
) -> NewCredential:
    if pat_env:
        return NewCredential("pat", _from_environment(pat_env), label=pat_env)
    if client_id and client_tenant and client_secret_env:
        return NewCredential(
            "service_principal",
            _from_environment(client_secret_env),
            label=client_id,
            client_id=client_id,
            tenant_id=client_tenant,
        )
    raise click.UsageError(
        "say how to sign in: --pat-env VARIABLE, or --client-id, --client-tenant and "
        "--client-secret-env VARIABLE"
    )


def _from_environment(variable: str) -> str:
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise Failed(f"the environment variable {variable} is empty: put the secret in it")
    return secret


async def _connect(settings: Settings, connection: Connection, credential: NewCredential) -> None:
    if not settings.secret_keys:
        raise Failed(
            "PULLCORD_SECRET_KEY is not set: run `pullcord secret-key`, keep what it prints, and "
            "set PULLCORD_SECRET_KEY to it"
        )
    try:
        box = SecretBox(settings.secret_keys)
    except SecretKeyError as error:
        raise Failed(str(error)) from None
    async with open_database(settings) as db:
        known = await db.read(lambda s: stored.get(s, connection.name))
        found = await _try(settings, connection, credential, is_known=known is not None)
        connection.settings = dict(known.settings) if known else {}
        now = utc_now()

        def store(session: Session) -> None:
            stored.save(session, connection)
            stored.add_credential(session, connection.name, credential, box, now=now)
            remember_own_account(session, connection.name, found.account.id)
            store_repositories(
                session, connection.name, connection.projects, found.repositories, now=now
            )

        await db.write(store)
        click.echo(f"Connected {connection.name} to {connection.base_url}.")
        if known is None or not known.secret_hash:
            await _show_new_secret(settings, db, connection.name)


async def _try(
    settings: Settings, connection: Connection, credential: NewCredential, *, is_known: bool
) -> Found:
    """Sign in and look at each project, one line each, before anything is stored."""
    async with aiohttp.ClientSession(trust_env=True) as http:
        client = client_of(
            connection,
            credential,
            http,
            login_url=settings.teams_login_url,
            clock=utc_now,
            sleep=asyncio.sleep,
        )
        try:
            return await try_connection(client, connection.projects, say=click.echo)
        except ConnectionRefused as error:
            left = "The connection stays as it was." if is_known else "Nothing was stored."
            raise Failed(f"{error} {left}") from None
        finally:
            await client.close()


async def _show_new_secret(settings: Settings, db: Database, name: str) -> None:
    secret = new_webhook_secret()
    await db.write(lambda s: stored.set_webhook_secret(s, name, secret))
    public = settings.public_url or "https://YOUR-PUBLIC-URL"
    click.echo(f"Webhook secret (shown this once): {secret}")
    click.echo(HOOKS.format(url=f"{public}/webhooks/ado/{name}"))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def connections(as_json: bool) -> None:
    """List the connections."""
    asyncio.run(_list(as_json))


async def _list(as_json: bool) -> None:
    try:
        settings = load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None
    async with open_database(settings) as db:
        rows = await db.read(stored.all_connections)
    if as_json:
        shown = [
            {
                "name": row.name,
                "base_url": row.base_url,
                "projects": row.projects,
                "branch_template": row.branch_template,
                "merge_status": mode_of(row.settings).value,
                "paused_reason": row.paused_reason,
            }
            for row in rows
        ]
        click.echo(json.dumps(shown, indent=2))
        return
    if not rows:
        click.echo("No connections yet: see `pullcord connect --help`.")
    for row in rows:
        paused = f"  paused: {row.paused_reason}" if row.paused_reason else ""
        click.echo(f"{row.name}  {row.base_url}  {', '.join(row.projects)}{paused}")


@click.command("rotate-secret")
@click.argument("name")
@click.option("--end", is_flag=True, help="refuse the former secret from now on")
def rotate_secret(name: str, end: bool) -> None:
    """Make a new webhook secret for the connection NAME.

    The former one stays valid until you have changed the service hooks and run this with --end.
    """
    asyncio.run(_rotate(name, end))


async def _rotate(name: str, end: bool) -> None:
    try:
        settings = load_settings()
    except SettingsError as error:
        raise Failed(str(error)) from None
    async with open_database(settings) as db:
        row = await db.read(lambda s: stored.get(s, name))
        if row is None:
            raise Failed(f"there is no connection {name!r}: see `pullcord connections`")
        if end:
            await db.write(lambda s: stored.end_rotation(s, name))
            click.echo("The former webhook secret is refused from now on.")
            return
        if row.old_secret_hash:
            raise Failed(
                "a rotation is on already: change the hooks, then run "
                f"`pullcord rotate-secret {name} --end`"
            )
        await _show_new_secret(settings, db, name)
        click.echo(f"Then run `pullcord rotate-secret {name} --end`.")
