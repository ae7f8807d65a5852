"""``pullcord demo``: the whole product against a sandbox of both sides, on this machine only."""

import asyncio

import click

from bot.cli import Failed


@click.command()
@click.option(
    "--once", is_flag=True, help="play without pauses and prompt, check the outcome, and end"
)
@click.option(
    "--local-teams",
    is_flag=True,
    help="no story: Azure DevOps is a sandbox, Teams is Microsoft's local client",
)
def demo(once: bool, local_teams: bool) -> None:
    """See Pullcord work: a story on a sandbox of Azure DevOps and Teams.

    Everything stays on this machine: two small servers act Azure DevOps (with real git) and Teams,
    and the bot runs against them with its real code, over HTTP and with signed tokens.
    """
    if once and local_teams:
        raise click.UsageError("--once and --local-teams do not go together")
    try:
        from bot.cli.demo.local_teams import run_for_local_teams  # noqa: PLC0415  needs the extra
        from bot.cli.demo.show import show  # noqa: PLC0415  needs the extra `demo`
    except ImportError as error:
        raise Failed(
            f"the demo needs the extra packages of pullcord[demo] ({error.name} is missing): "
            "pip install 'pullcord[demo]'"
        ) from None
    if local_teams:
        asyncio.run(run_for_local_teams())
    elif not asyncio.run(show(once=once)):
        raise Failed("the demo did not end as it should; the lines marked ✗ say where")
