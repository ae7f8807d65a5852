"""``pullcord manifest build``."""

from pathlib import Path

import click

from bot.cli import Failed
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
def build(out: Path) -> None:
    """Write the app package that an administrator uploads to Teams."""
    try:
        settings = load_settings()
        publisher = Publisher(
            settings.publisher_name,
            settings.publisher_url,
            settings.publisher_privacy_url,
            settings.publisher_terms_url,
        )
        package = build_package(settings.teams_app_id, settings.public_url, publisher)
        out.write_bytes(package)
    except (SettingsError, PackageError, OSError) as error:
        raise Failed(str(error)) from None
    click.echo(f"Wrote {out}. Upload it in Teams: Apps, Manage your apps, Upload an app.")
