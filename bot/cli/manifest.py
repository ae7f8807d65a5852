"""``pullcord manifest build``."""

import asyncio
from pathlib import Path

import click

from bot.cli import Failed
from bot.cli.package_check import check_package, link_domains
from bot.settings import SettingsError, load_settings
from bot.teams_app_package import PackageError, Publisher, build_package


@click.group()
def manifest() -> None:
    """Build the Teams app package."""


@manifest.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("pullcord-teams.zip"),
    show_default=True,
    help="the file to write",
)
@click.option(
    "--check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="write nothing; check this package instead",
)
def build(out: Path, check: Path | None) -> None:
    """Write the app package that an administrator uploads to Teams.

    Pasted addresses of the connected Azure DevOps get a preview in Teams.
    """
    try:
        settings = load_settings()
        if check is not None:
            check_package(check, settings)
            return
        publisher = Publisher(
            settings.publisher_name,
            settings.publisher_url,
            settings.publisher_privacy_url,
            settings.publisher_terms_url,
        )
        domains = asyncio.run(link_domains(settings))
        out.write_bytes(
            build_package(
                settings.teams_app_id, settings.public_url, publisher, link_domains=domains
            )
        )
    except (SettingsError, PackageError, OSError) as error:
        raise Failed(str(error)) from None
    click.echo(f"Wrote {out}. Upload it in Teams: Apps, Manage your apps, Upload an app.")
