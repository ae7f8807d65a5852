"""``pullcord manifest build``: the package that an administrator uploads."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.bot.cli.conftest import Run

APP = {"TEAMS_APP_ID": "7c0f2c1a-63a5-4c92-8c0d-0f3f0a2b7d44"}
PAGE = {"PUBLISHER_URL": "https://www.contoso.com/tools"}


def manifest(folder: Path) -> dict[str, Any]:
    with zipfile.ZipFile(folder / "pullcord-teams.zip") as package:
        assert sorted(package.namelist()) == ["color.png", "manifest.json", "outline.png"]
        document: dict[str, Any] = json.loads(package.read("manifest.json"))
    return document


def test_the_package_names_the_bot_and_its_publisher(run: Run, tmp_path: Path) -> None:
    done = run("manifest", "build", PUBLIC_URL="https://pullcord.contoso.com", **APP, **PAGE)
    assert done.exit_code == 0, done.output
    made = manifest(tmp_path)
    assert made["id"] == made["bots"][0]["botId"] == APP["TEAMS_APP_ID"]
    assert made["validDomains"] == ["pullcord.contoso.com"]
    assert made["developer"] == {
        "name": "Pullcord",
        "websiteUrl": "https://www.contoso.com/tools",
        "privacyUrl": "https://www.contoso.com/tools",
        "termsOfUseUrl": "https://www.contoso.com/tools",
    }
    assert "example.com" not in json.dumps(made["developer"])
    assert {command["title"] for command in made["bots"][0]["commandLists"][0]["commands"]}


def test_pages_of_their_own_are_taken(run: Run, tmp_path: Path) -> None:
    done = run(
        "manifest", "build",
        PUBLISHER_NAME="Contoso IT",
        PUBLISHER_PRIVACY_URL="https://www.contoso.com/privacy",
        PUBLISHER_TERMS_URL="https://www.contoso.com/terms",
        **APP, **PAGE,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert manifest(tmp_path)["developer"] == {
        "name": "Contoso IT",
        "websiteUrl": "https://www.contoso.com/tools",
        "privacyUrl": "https://www.contoso.com/privacy",
        "termsOfUseUrl": "https://www.contoso.com/terms",
    }


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "PULLCORD_PUBLISHER_URL is not set"),
        ({"PUBLISHER_URL": "http://www.contoso.com"}, "PULLCORD_PUBLISHER_URL must be"),
        ({"PUBLISHER_URL": "https://"}, "PULLCORD_PUBLISHER_URL must be"),
        ({"PUBLISHER_URL": "https://[oops"}, "PULLCORD_PUBLISHER_URL must be"),
        ({"PUBLISHER_URL": "https://contoso.com/" + "x" * 2048}, "PULLCORD_PUBLISHER_URL must be"),
        ({**PAGE, "PUBLISHER_TERMS_URL": "terms.html"}, "PULLCORD_PUBLISHER_TERMS_URL must be"),
        ({**PAGE, "PUBLISHER_PRIVACY_URL": "ftp://x/y"}, "PULLCORD_PUBLISHER_PRIVACY_URL must be"),
        ({**PAGE, "PUBLISHER_NAME": "x" * 33}, "PULLCORD_PUBLISHER_NAME must have"),
        ({**PAGE, "TEAMS_APP_ID": "app"}, "PULLCORD_TEAMS_APP_ID must be"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(
    run: Run, tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    done = run("manifest", "build", **(APP | settings))
    assert done.exit_code == 1
    assert named in done.output
    assert not (tmp_path / "pullcord-teams.zip").exists()
