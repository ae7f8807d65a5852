"""Writing a connection into the database, with the audit entry of it."""

from collections.abc import Sequence

import click
from sqlmodel import Session

from adapters.azure_devops.client import DEFAULT_API_VERSION
from adapters.azure_devops.connection_tests import Tried
from bot.cli.connecting.wanted import Wanted
from bot.conflicts.statuses import SETTING, mode_of
from bot.connections.conventions import with_conventions
from bot.ownership import own_settings
from bot.ports import utc_now
from bot.settings import Settings
from bot.usual_repository import SETTING as DEFAULT_REPOSITORIES
from bot.usual_repository import defaults_of
from storage import audit
from storage.engine import Database
from storage.queries import connections as stored
from storage.secrets import SecretBox, new_webhook_secret
from storage.tables import Connection

ACTOR = "command line"
AFTERWARDS = """\
Next:
  pullcord hooks install {name}    makes the service hooks that feed Pullcord from Azure DevOps
                                   (--print shows what to enter by hand)
  In Teams: `subscribe {project}`, and `use {project}/REPOSITORY` for what a channel means by
  default."""


async def store(db: Database, box: SecretBox, wanted: Wanted, tried: Tried) -> str:
    """Store the connection and its new credentials; the webhook secret when it is a new one."""
    return await db.write(lambda s: _store(s, box, wanted, tried))


def _store(session: Session, box: SecretBox, wanted: Wanted, tried: Tried) -> str:
    now = utc_now()
    known = stored.get(session, wanted.name)
    before = known_facts(known) if known else None
    settings = with_conventions(known.settings if known else {}, wanted.conventions)
    settings[SETTING] = wanted.merge_status.value
    settings[DEFAULT_REPOSITORIES] = dict(wanted.default_repositories)
    if tried.account:
        settings |= own_settings(tried.account)
    encoded = wanted.network.encoded()
    row = stored.save(
        session,
        Connection(
            name=wanted.name,
            base_url=wanted.url,
            api_version=wanted.api_version or tried.api_version or DEFAULT_API_VERSION,
            projects=list(wanted.projects),
            branch_template=wanted.branch_template,
            settings=settings,
            network=box.encrypt(encoded) if encoded else "",
            created_at=now,
            # The bot itself lets it go on, so that it also catches up.
            paused_reason=known.paused_reason if known else "",
            paused_at=known.paused_at if known else None,
        ),
    )
    for credential in wanted.credentials:
        stored.add_credential(session, wanted.name, credential, box, now=now)
    audit.append(
        session,
        at=now,
        actor=ACTOR,
        action="connection.changed" if known else "connection.made",
        connection=wanted.name,
        subject=f"connection/{wanted.name}",
        before=before,
        after={**known_facts(row), "new_credentials": [c.label for c in wanted.credentials]},
    )
    if row.secret_hash:
        return ""
    secret = new_webhook_secret()
    stored.set_webhook_secret(session, wanted.name, secret)
    return secret


def known_facts(row: Connection) -> dict[str, object]:
    """What may be told of a connection: nothing secret."""
    return {
        "base_url": row.base_url,
        "api_version": row.api_version,
        "projects": list(row.projects),
        "branch_template": row.branch_template,
        "merge_status": mode_of(row.settings).value,
        "default_repositories": defaults_of(row.settings),
        "conventions": dict(row.settings.get("conventions") or {}),
    }


def show_secret(settings: Settings, name: str, secret: str) -> None:
    """The webhook secret, this once."""
    public = settings.public_url or "https://YOUR-PUBLIC-URL"
    click.echo(f"Webhook secret (shown this once): {secret}")
    click.echo(f"Webhook URL: {public}/webhooks/ado/{name}")


def show_next(name: str, projects: Sequence[str]) -> None:
    """What to type now."""
    click.echo(AFTERWARDS.format(name=name, project=next(iter(projects), "PROJECT")))
