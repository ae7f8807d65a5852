"""The command line. Each command's module is imported only when the command is used."""

import importlib
import logging
import os
import sys

import click

from bot.logs import configure_logging
from bot.redaction import Redaction

COMMANDS = {
    "audit": ("bot.cli.audit", "Check the audit history."),
    "backup": ("bot.cli.backup", "Copy the database into a file while it is in use."),
    "connect": ("bot.cli.connect", "Connect an Azure DevOps organisation or collection."),
    "connections": ("bot.cli.connections", "List the connections; test them."),
    "credentials": ("bot.cli.credentials", "Add, show, rotate and remove credentials."),
    "db": ("bot.cli.db", "Create or upgrade the database."),
    "demo": ("bot.cli.demo", "See Pullcord work: a story on a sandbox of both sides."),
    "disconnect": ("bot.cli.disconnect", "End a connection; links and audit are kept."),
    "doctor": ("bot.cli.doctor", "Tell what is wrong and what to type."),
    "export": ("bot.cli.export", "Write links, the audit, or what was resolved as CSV."),
    "hooks": ("bot.cli.hooks", "Make, check and remove the service hooks."),
    "inbox": ("bot.cli.inbox", "Look at webhooks that could not be understood; retry them."),
    "manifest": ("bot.cli.manifest", "Build the Teams app package."),
    "outbox": ("bot.cli.outbox", "Look at messages that Teams did not take; retry them."),
    "restore": ("bot.cli.backup", "Make the database from a backup."),
    "rotate-secret": ("bot.cli.rotate_secret", "Make a new webhook secret; the old stays valid."),
    "secret-key": ("bot.cli.secret_key", "Make a key for PULLCORD_SECRET_KEY."),
    "serve": ("bot.cli.serve", "Run the bot."),
}


class Failed(click.ClickException):
    """The command failed; the message is one line and says what to do. Exit code 1."""

    exit_code = 1


class LazyGroup(click.Group):
    """Lists every command from a table and imports only the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pullcord", prog_name="pullcord")
def cli() -> None:
    """Pullcord brings Azure DevOps pull requests, conflicts and tickets into Microsoft Teams.

    Start with `pullcord demo`.
    """


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 failed with a one-line reason, 2 wrong usage."""
    try:
        cli()
    except KeyboardInterrupt:
        sys.exit(1)
    except Exception as error:  # a traceback never reaches a user
        _report(error)
        sys.exit(1)


def _report(error: Exception) -> None:
    """One line on standard error; the traceback only when PULLCORD_LOG_LEVEL is DEBUG."""
    if os.environ.get("PULLCORD_LOG_LEVEL") == "DEBUG":
        configure_logging("DEBUG")
        logging.getLogger(__name__).error("command failed", exc_info=error)
    lines = Redaction()(str(error)).strip().splitlines()
    click.echo(f"Error: {lines[0] if lines else type(error).__name__}", err=True)
