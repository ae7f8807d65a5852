"""Trying a connection before it is stored, and showing what was found."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from adapters.azure_devops.client import DEFAULT_API_VERSION
from adapters.azure_devops.connection_tests import ConnectionTests, Tried
from adapters.azure_devops.stored_credentials import (
    CredentialReader,
    StoredConnection,
    StoredCredential,
)
from bot.cli import Failed
from bot.cli.connecting.wanted import Wanted
from bot.connections.checks import Check
from bot.connections.conventions import Conventions
from bot.ports import utc_now
from bot.settings import Settings
from storage.queries.connections import NewCredential
from storage.secrets import SecretBox, SecretKeyError
from storage.text import folded

MOST_SHOWN = 10


def secret_box(settings: Settings) -> SecretBox:
    """What encrypts. Raises Failed with the command that makes a key."""
    if not settings.secret_keys:
        raise Failed(
            "PULLCORD_SECRET_KEY is not set: run `pullcord secret-key`, keep what it prints, and "
            "set PULLCORD_SECRET_KEY to it"
        )
    try:
        return SecretBox(settings.secret_keys)
    except SecretKeyError as error:
        raise Failed(str(error)) from None


def tests_of(settings: Settings, box: SecretBox | None) -> ConnectionTests:
    """What tries connections."""
    reader = CredentialReader(box, login_url=settings.teams_login_url)
    return ConnectionTests(reader, clock=utc_now, sleep=asyncio.sleep)


async def try_wanted(
    settings: Settings,
    box: SecretBox,
    wanted: Wanted,
    credentials: Sequence[StoredCredential],
    *,
    projects: Sequence[str] | None = None,
    conventions: Conventions | None = None,
) -> Tried:
    """Try a connection as it is wanted, with new credentials and stored ones."""
    connection = StoredConnection(
        name=wanted.name,
        base_url=wanted.url,
        api_version=wanted.api_version or DEFAULT_API_VERSION,
        paused_reason="",
        projects=tuple(wanted.projects if projects is None else projects),
        network=box.encrypt(wanted.network.encoded()),
        credentials=(*credentials, *as_stored(box, wanted.credentials)),
    )
    return await tests_of(settings, box).run(connection, conventions or wanted.conventions)


def as_stored(box: SecretBox, new: Sequence[NewCredential]) -> Sequence[StoredCredential]:
    """New credentials in the form of stored ones; their numbers are below zero."""
    return [
        StoredCredential(
            id=-number,
            kind=each.kind,
            label=each.label or each.kind,
            secret=box.encrypt(each.secret),
            client_id=each.client_id,
            tenant_id=each.tenant_id,
        )
        for number, each in enumerate(new, start=1)
    ]


def show(checks: Sequence[Check]) -> None:
    """One line for each thing, and what to do."""
    for check in checks:
        if check.is_well:
            click.echo(f"ok  {check.what}: {check.says}")
        else:
            click.echo(f"!!  {check.what}: {check.trouble}: {check.says}")
            click.echo(f"    {check.advice}")


def as_json(checks: Sequence[Check]) -> str:
    """The checks for a script; ``trouble`` is "" where it is well."""
    return json.dumps([asdict(check) | {"is_well": check.is_well} for check in checks], indent=2)


def require_defaults(wanted: Wanted, tried: Tried) -> None:
    """Raise Failed when a default repository is none of those that were found."""
    seen = {folded(name) for name in tried.repositories}
    unknown = [name for name in wanted.default_repositories.values() if folded(name) not in seen]
    if unknown and seen:
        raise Failed(
            f"there is no repository {', '.join(unknown)}: a default repository is one of "
            f"{', '.join(tried.repositories[:MOST_SHOWN])}"
        )


def require_well(tried: Tried, *, is_known: bool) -> None:
    """Raise Failed when something cannot be used.

    ``is_known``: there is such a connection already.
    """
    wrong = [check for check in tried.checks if not check.is_well]
    if wrong:
        names = ", ".join(dict.fromkeys(str(check.trouble) for check in wrong))
        left = "The connection stays as it was" if is_known else "Nothing was stored"
        raise Failed(f"{left}, because of {names}. Mend it and run this again, or add --anyway")
