"""The bot and a sandbox Azure DevOps for a local Teams client: ``pullcord demo --local-teams``.

Microsoft's local client (npm ``@microsoft/m365agentsplayground``) sends requests without tokens, so
the bot runs as with PULLCORD_TEAMS_UNAUTHENTICATED=loopback; everything else is the real thing.
"""

import logging
import tempfile
from pathlib import Path

import click

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from bot.app import Pullcord
from bot.cli.demo.acts import HELP, Acts, NotDone, add_more_tickets
from bot.cli.demo.lines import lines
from bot.cli.demo.stage import (
    APP_ID,
    CHECKOUT,
    CONNECTION,
    NAMES,
    README,
    SandboxSettings,
    add_hooks,
    connect,
)
from bot.jobs import SWEEP
from bot.ports import utc_now
from bot.settings import Settings
from storage.secrets import new_key, new_webhook_secret

# The client's own tenant and user in version 0.2.28, the last digit too many included.
CLIENT_TENANT = "00000000-0000-0000-0000-0000000000001"
YOU, YOUR_MAIL = "alex", "alexw@example.com"
CLIENT = "npx @microsoft/m365agentsplayground@0.2.28 --disable-telemetry -c msteams"


async def run_for_local_teams() -> None:
    """Run until ``quit`` or the end of input.

    Raises:
        CannotStart: the bot cannot listen.
    """
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="pullcord-demo-") as folder:
        azure_devops = AzureDevOpsSandbox(
            Path(folder, "git"), organization=CONNECTION, remerge_on_target_push=True
        )
        await azure_devops.start()
        try:
            await _run(azure_devops, _settings(Path(folder)))
        finally:
            await azure_devops.stop()


def _settings(folder: Path) -> Settings:
    return SandboxSettings.model_validate(
        {
            "database_url": f"sqlite:///{folder / 'pullcord.db'}",
            "host": "127.0.0.1",
            "port": 0,
            "secret_key": new_key(),
            "administrators": (YOUR_MAIL,),
            "teams_app_id": APP_ID,
            "teams_tenant_id": CLIENT_TENANT,
            "teams_unauthenticated": "loopback",
        }
    )


async def _run(azure_devops: AzureDevOpsSandbox, settings: Settings) -> None:
    people = {
        key: azure_devops.add_person(name, f"{key}@example.com") for key, name in NAMES.items()
    }
    people[YOU] = azure_devops.add_person("Alex Sample", YOUR_MAIL)
    project = azure_devops.add_project("Shop")
    repository = await azure_devops.add_repository(
        project, "web", files={"checkout.py": CHECKOUT, "README.md": README}
    )
    add_more_tickets(azure_devops, project)
    secret = new_webhook_secret()
    await connect(settings, azure_devops, secret, utc_now)
    bot = Pullcord(settings)
    await bot.start()
    try:
        add_hooks(azure_devops, bot.url, project, secret)
        _explain(bot.url)
        await _take_lines(Acts(azure_devops, repository, people, lambda: bot.jobs.run_now(SWEEP)))
    finally:
        await bot.stop()


def _explain(url: str) -> None:
    click.echo(
        f"Pullcord listens on {url} and believes every program on this machine.\n"
        "Start Microsoft's local Teams client in another terminal:\n\n"
        f"  {CLIENT} -e {url}/api/messages\n\n"
        f"There you are Alex Sample, {YOUR_MAIL}. Say in the personal chat or, with @, in a "
        "channel:\n"
        "  subscribe Shop    prs    start ticket 124    whoami    help\n"
        f"and here:\n{HELP}\nquit ends."
    )


async def _take_lines(acts: Acts) -> None:
    async for line in lines():
        try:
            if not await acts.do(line):
                click.echo(HELP)
        except NotDone as error:
            click.echo(str(error))
