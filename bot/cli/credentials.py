"""``pullcord credentials``: what a connection signs in with."""

import asyncio
import json
import shlex
from collections.abc import Mapping
from typing import Any

import click
from sqlmodel import Session

from adapters.azure_devops.stored_credentials import PAT, StoredCredential, load
from bot.cli import Failed
from bot.cli.connect import credential_options, credentials_given
from bot.cli.connecting.asking import ask_credential, ask_expiry
from bot.cli.connecting.storing import ACTOR
from bot.cli.connecting.trying import as_stored, secret_box, show, tests_of
from bot.cli.connecting.wanted import check_date
from bot.cli.connections import (
    credential_facts,
    credential_line,
    require_connection,
    settings_or_fail,
)
from bot.cli.database import open_database
from bot.connections.conventions import conventions_of
from bot.connections.telling import label_of
from bot.ports import utc_now
from bot.settings import Settings
from storage import audit
from storage.engine import Database
from storage.queries import connections as stored
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox
from storage.tables import Credential


@click.group()
def credentials() -> None:
    """Add, show, change and remove the credentials of a connection.

    Several share the load: each call goes to the least used one that Azure DevOps does not ask to
    rest. One that is refused is set aside, and the others go on.
    """


@credentials.command("list")
@click.argument("connection")
@click.option("--json", "as_json", is_flag=True, help="for scripts")
def show_all(connection: str, as_json: bool) -> None:
    """Show the credentials of CONNECTION, without their secrets."""
    asyncio.run(_list(settings_or_fail(), connection, as_json))


@credentials.command()
@click.argument("connection")
@credential_options
@click.option("--anyway", is_flag=True, help="store it although a test fails")
def add(connection: str, anyway: bool, **given: Any) -> None:
    """Give CONNECTION one more credential, after trying it."""
    new = _given(given) or ask_credential(label="second")
    asyncio.run(_add(settings_or_fail(), connection, new, anyway))


@credentials.command()
@click.argument("connection")
@click.argument("credential")
@click.option("--secret-env", help="environment variable of the new token or secret")
@click.option("--certificate", help="file with the new private key and certificate (PEM)")
@click.option("--expires", help="its last day, 2027-03-31, or never")
@click.option("--anyway", is_flag=True, help="store it although a test fails")
def rotate(
    connection: str,
    credential: str,
    secret_env: str | None,
    certificate: str | None,
    expires: str | None,
    anyway: bool,
) -> None:
    """Give CREDENTIAL (its label or number) of CONNECTION a new secret, after trying it.

    A connection that was paused for it goes on by itself within a minute.
    """
    asyncio.run(
        _rotate(
            settings_or_fail(), connection, credential, secret_env, certificate, expires, anyway
        )
    )


@credentials.command()
@click.argument("connection")
@click.argument("credential")
@click.option("--yes", is_flag=True, help="do not ask, even if it is the last one")
def remove(connection: str, credential: str, yes: bool) -> None:
    """Forget CREDENTIAL (its label or number) of CONNECTION."""
    asyncio.run(_remove(settings_or_fail(), connection, credential, yes))


def _given(given: Mapping[str, Any]) -> NewCredential | None:
    found = credentials_given(given)
    return found[0] if found else None


async def _list(settings: Settings, connection: str, as_json: bool) -> None:
    async with open_database(settings) as db:
        await require_connection(db, connection)
        held = await db.read(lambda s: stored.credentials(s, connection))
    if as_json:
        click.echo(json.dumps([credential_facts(each) for each in held], indent=2))
        return
    for each in held:
        click.echo(f"{each.id}  {credential_line(each)}")
    if not held:
        click.echo(f"None: run `pullcord credentials add {connection}`.")


async def _add(settings: Settings, connection: str, new: NewCredential, anyway: bool) -> None:
    box = secret_box(settings)
    async with open_database(settings) as db:
        await require_connection(db, connection)
        if await db.read(lambda s: stored.credential_called(s, connection, new.label)):
            raise Failed(
                f"{connection} has a credential {new.label!r}: choose another --label, or "
                f"`pullcord credentials rotate {connection} {shlex.quote(new.label)}`"
            )
        await _try(settings, db, box, connection, as_stored(box, [new])[0], anyway)

        def write(session: Session) -> None:
            row = stored.add_credential(session, connection, new, box, now=utc_now())
            _audit(session, "credential.added", row)

        await db.write(write)
    click.echo(f"Added {new.label} to {connection}.")


async def _rotate(
    settings: Settings,
    connection: str,
    called: str,
    secret_env: str | None,
    certificate: str | None,
    expires: str | None,
    anyway: bool,
) -> None:
    box = secret_box(settings)
    async with open_database(settings) as db:
        row = await _require(db, connection, called)
        if row.kind == "managed_identity":
            raise Failed("a managed identity has no secret that could be changed")
        secret = _new_secret(row, secret_env, certificate)
        is_asking = not (secret_env or certificate)
        expires_at = check_date(expires) if expires or not is_asking else ask_expiry()
        fresh = StoredCredential(
            row.id or 0, row.kind, label_of(row), box.encrypt(secret), row.client_id, row.tenant_id
        )
        await _try(settings, db, box, connection, fresh, anyway)

        def write(session: Session) -> None:
            changed = stored.change_secret(
                session, row.id or 0, box.encrypt(secret), expires_at=expires_at
            )
            _audit(session, "credential.rotated", changed)

        await db.write(write)
    click.echo(f"{label_of(row)} of {connection} has a new secret.")


async def _remove(settings: Settings, connection: str, called: str, yes: bool) -> None:
    async with open_database(settings) as db:
        row = await _require(db, connection, called)
        held = await db.read(lambda s: stored.credentials(s, connection))
        is_last = len(held) == 1
        question = f"{label_of(row)} is the last one: {connection} will be paused. Remove it?"
        if is_last and not yes and not click.confirm(question, default=False):
            raise Failed("nothing was removed")

        def write(session: Session) -> None:
            _audit(session, "credential.removed", row)
            stored.remove_credential(session, row.id or 0)

        await db.write(write)
    click.echo(f"Removed {label_of(row)} from {connection}. Revoke it in Azure DevOps too.")


def _new_secret(row: Credential, secret_env: str | None, certificate: str | None) -> str:
    found = credentials_given(
        {
            "pat_env": secret_env if row.kind == PAT else None,
            "client_secret_env": secret_env if row.kind == "service_principal" else None,
            "certificate": certificate if row.kind == "certificate" else None,
            "managed_identity": False,
            "client_id": row.client_id if row.kind != PAT else None,
            "client_tenant": row.tenant_id if row.kind != PAT else None,
            "label": row.label,
            "expires": None,
        }
        if secret_env or certificate
        else _nothing()
    )
    if found:
        return found[0].secret
    what = (
        "File with the new private key and certificate"
        if row.kind == "certificate"
        else "New secret"
    )
    answer: str = click.prompt(what, hide_input=row.kind != "certificate").strip()
    if row.kind != "certificate":
        return answer
    return _new_secret(row, None, answer)


def _nothing() -> dict[str, Any]:
    names = ("pat_env", "client_secret_env", "certificate", "managed_identity")
    return dict.fromkeys((*names, "client_id", "client_tenant", "label", "expires"))


async def _require(db: Database, connection: str, called: str) -> Credential:
    await require_connection(db, connection)
    row = await db.read(lambda s: stored.credential_called(s, connection, called))
    if row is None:
        raise Failed(
            f"{connection} has no credential {called!r}: "
            f"see `pullcord credentials list {connection}`"
        )
    return row


async def _try(
    settings: Settings,
    db: Database,
    box: SecretBox,
    connection: str,
    credential: StoredCredential,
    anyway: bool,
) -> None:
    """Everything that the connection needs, with this credential alone."""
    row = await require_connection(db, connection)
    known = await db.read(lambda s: load(s, connection))
    assert known is not None
    alone = known.with_credentials(credential)
    tried = await tests_of(settings, box).run(alone, conventions_of(row.settings))
    show(tried.checks)
    if not tried.is_well and not anyway:
        raise Failed("nothing was stored. Mend it and run this again, or add --anyway")


def _audit(session: Session, action: str, row: Credential) -> None:
    audit.append(
        session,
        at=utc_now(),
        actor=ACTOR,
        action=action,
        connection=row.connection,
        subject=f"connection/{row.connection}",
        before=None,
        after={"credential": label_of(row), "kind": row.kind},
    )
