"""What a connection shall be: from flags, a file, what is stored, and answers."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from adapters.azure_devops.base_url import recognised
from adapters.azure_devops.entra_tokens import certificate_credential
from adapters.azure_devops.network import Network, check_authorities, check_proxy, parse_header
from adapters.azure_devops.stored_credentials import (
    CERTIFICATE,
    MANAGED_IDENTITY,
    PAT,
    SERVICE_PRINCIPAL,
)
from bot.branch_template import DEFAULT_TEMPLATE, check_template
from bot.cli import Failed
from bot.conflicts.statuses import StatusMode
from bot.connections.conventions import SERVICES, Conventions
from storage.queries.connections import NewCredential
from storage.text import folded

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
CHANNEL_LINK = re.compile(r"https://teams\.[a-z.]+/l/channel/([^/?\s]+)", re.IGNORECASE)
"""What "Get link to channel" copies ("Deep links to a channel")."""
TOKEN_LENGTHS = (52, 84)
"""Of personal access tokens, the old and today's ("Use personal access tokens")."""

FILE_KEYS = frozenset(
    [
        "name",
        "url",
        "projects",
        "repositories",
        "area_paths",
        "ticket_types",
        "services",
        "branch_template",
        "default_repositories",
        "merge_status",
        "api_version",
        "ca_bundle",
        "proxy_env",
        "header_envs",
        "credentials",
    ]
)
CREDENTIAL_KEYS = frozenset(
    ("kind", "label", "secret_env", "file", "client_id", "tenant", "expires")
)


@dataclass(slots=True)
class Wanted:
    """A connection to be. ``url`` is the base URL, "" while it is not known.

    ``projects`` empty: all that the credential sees. ``api_version`` empty: by what is offered.
    ``default_repositories``: what commands mean that name none, by conversation, "" for all.
    ``merge_status``: for which pull requests `pullcord/mergeable` is posted.
    """

    name: str
    url: str = ""
    projects: Sequence[str] = ()
    conventions: Conventions = field(default_factory=Conventions)
    branch_template: str = DEFAULT_TEMPLATE
    default_repositories: Mapping[str, str] = field(default_factory=dict)
    merge_status: StatusMode = StatusMode.ALL
    api_version: str = ""
    network: Network = field(default_factory=Network)
    credentials: list[NewCredential] = field(default_factory=list)
    is_known: bool = False


def check_name(name: str) -> str:
    """The name, when it can stand in an address. Raises click.UsageError."""
    if not NAME.fullmatch(name):
        raise click.UsageError("NAME is lower-case letters, digits and dashes, 40 at most")
    return name


def check_merge_status(value: object) -> StatusMode:
    """The mode of this name. Raises click.UsageError."""
    try:
        return StatusMode(str(value))
    except ValueError:
        names = ", ".join(mode.value for mode in StatusMode)
        raise click.UsageError(f"merge_status is one of {names}, not {value!r}") from None


def check_url(text: str) -> str:
    """The base URL that is meant, with a word on the screen where it is another than was typed.

    Raises click.UsageError.
    """
    try:
        found, note = recognised(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if note:
        click.echo(note, err=True)
    return found.url


def check_naming(template: str) -> str:
    """The template for branches. Raises click.UsageError."""
    try:
        check_template(template)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return template


def check_defaults(known: Mapping[str, str], texts: Sequence[str]) -> Mapping[str, str]:
    """``[CONVERSATION=]PROJECT/REPOSITORY`` each, beside those that are known; "none" takes out.

    Raises click.UsageError.
    """
    found = dict(known)
    for text in texts:
        conversation, _, repository = text.rpartition("=")
        conversation, repository = _conversation(conversation.strip()), repository.strip()
        found = {name: v for name, v in found.items() if folded(name) != folded(conversation)}
        if repository.casefold() == "none":
            continue
        if repository.count("/") != 1 or not all(repository.split("/")):
            raise click.UsageError(
                "a default repository is written PROJECT/REPOSITORY, or "
                f"TEAM/CHANNEL=PROJECT/REPOSITORY, not {text.strip()[:80]!r}"
            )
        found[conversation] = repository
    return found


def _conversation(text: str) -> str:
    """A conversation's name as it stands; of a channel's pasted link its id."""
    found = CHANNEL_LINK.match(text)
    return unquote(found[1]) if found else text


def check_services(names: Sequence[str]) -> Mapping[str, bool]:
    """Which services are on, of those named. Raises click.UsageError."""
    wanted = {name.strip().lower().replace(" ", "_").replace("-", "_") for name in names}
    if unknown := wanted - set(SERVICES):
        known = ", ".join(SERVICES)
        raise click.UsageError(f"services are {known}, not {', '.join(sorted(unknown))}")
    return {name: name in wanted for name in SERVICES}


def network_from(
    known: Network, headers: Sequence[str], ca_bundle: str | None, proxy: str | None
) -> Network:
    """The way to Azure DevOps; what is not given stays as it was. Raises click.UsageError, Failed.

    ``ca_bundle`` is a file, "none" for no own authorities; ``proxy`` an address, or "none"; a
    header without a value is taken out.
    """
    try:
        named = dict(known.headers)
        for text in headers:
            name = text.partition(":")[0].strip()
            named = {each: v for each, v in named.items() if each.lower() != name.lower()}
            if ":" not in text or text.partition(":")[2].strip():
                named.update([parse_header(text)])
        pem = known.ca_pem
        if ca_bundle is not None:
            pem = "" if ca_bundle == "none" else check_authorities(read_file(ca_bundle))
        address = known.proxy
        if proxy is not None:
            address = "" if proxy == "none" else check_proxy(proxy)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Network(named, address, pem)


def pat(secret: str, *, label: str, expires_at: datetime | None = None) -> NewCredential:
    """A personal access token; a word on the screen when it does not look like one."""
    if len(secret) not in TOKEN_LENGTHS:
        click.echo(
            f"This token has {len(secret)} characters; those of Azure DevOps have 84 or 52. "
            "Trying it all the same.",
            err=True,
        )
    return NewCredential(PAT, secret, label=label, expires_at=expires_at)


def application(
    kind: str,
    secret: str,
    *,
    client_id: str,
    tenant: str,
    label: str = "",
    expires_at: datetime | None = None,
) -> NewCredential:
    """An application of Entra. Raises click.UsageError when something of it is missing."""
    if kind != MANAGED_IDENTITY and not (client_id and tenant):
        raise click.UsageError("a service principal needs --client-id and --client-tenant")
    if kind == CERTIFICATE:
        try:
            certificate_credential(secret)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return NewCredential(
        kind,
        secret,
        label=label or client_id or "managed identity",
        client_id=client_id,
        tenant_id=tenant,
        expires_at=expires_at,
    )


def from_environment(variable: str) -> str:
    """The secret in an environment variable. Raises Failed."""
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise Failed(f"the environment variable {variable} is empty: put the secret in it")
    return secret


def read_file(path: str) -> str:
    """The text of a file. Raises Failed."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Failed(f"{path} cannot be read: {reason}") from None


def check_date(text: str | None) -> datetime | None:
    """The end of a day (UTC) written as 2027-03-31; None for nothing. Raises click.UsageError.

    Azure DevOps names a token's last day; which time of it, it does not say.
    """
    if not text or text.strip().lower() in ("never", "-"):
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise click.UsageError(f"a date is written 2027-03-31, not {text.strip()[:20]!r}") from None
    return datetime.combine(day, time(0, 0), tzinfo=UTC)


def load_file(path: str) -> Mapping[str, Any]:
    """A connection's file (TOML). Raises Failed, click.UsageError."""
    try:
        told = tomllib.loads(read_file(path))
    except tomllib.TOMLDecodeError as error:
        raise Failed(f"{path} is not TOML: {error}") from None
    if unknown := set(told) - FILE_KEYS:
        raise click.UsageError(f"{path}: not known: {', '.join(sorted(unknown))}")
    return told


def credentials_in(told: Mapping[str, Any]) -> list[NewCredential]:
    """The credentials that a file names; their secrets are in variables and other files.

    Raises Failed, click.UsageError.
    """
    found = []
    for entry in told.get("credentials", ()):
        if unknown := set(entry) - CREDENTIAL_KEYS:
            raise click.UsageError(f"credentials: not known: {', '.join(sorted(unknown))}")
        found.append(_credential(entry))
    return found


def _credential(entry: Mapping[str, Any]) -> NewCredential:
    kind, label = str(entry.get("kind", PAT)), str(entry.get("label", ""))
    if kind not in (PAT, SERVICE_PRINCIPAL, CERTIFICATE, MANAGED_IDENTITY):
        raise click.UsageError(f"credentials: there is no kind {kind!r}")
    expires_at = check_date(str(entry.get("expires", "")))
    secret = ""
    if kind == CERTIFICATE:
        secret = read_file(str(entry.get("file", "")))
    elif kind != MANAGED_IDENTITY:
        variable = str(entry.get("secret_env", ""))
        if not variable:
            raise click.UsageError("credentials: secret_env names the variable of the secret")
        secret, label = from_environment(variable), label or variable
    if kind == PAT:
        return pat(secret, label=label, expires_at=expires_at)
    return application(
        kind,
        secret,
        client_id=str(entry.get("client_id", "")),
        tenant=str(entry.get("tenant", "")),
        label=label,
        expires_at=expires_at,
    )
