"""``pullcord manifest build`` and ``--check``: a package that Teams takes."""

import asyncio
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from bot.ports import utc_now
from bot.teams_app_check import problems
from bot.teams_app_package import Publisher, build_package
from storage.engine import Database
from storage.tables import Connection
from tests.bot.cli.conftest import Run

APP_ID = "7c0f2c1a-63a5-4c92-8c0d-0f3f0a2b7d44"
OTHER_ID = "11111111-63a5-4c92-8c0d-0f3f0a2b7d44"


PUBLISHER = Publisher("Contoso", "https://www.contoso.com/pullcord")
MINE = {"TEAMS_APP_ID": APP_ID, "PUBLISHER_URL": PUBLISHER.url}


def _package() -> bytes:
    return build_package(APP_ID, "https://pullcord.example.com", PUBLISHER)


def _changed(
    change: Callable[[dict[str, Any]], object], files: dict[str, bytes] | None = None
) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_package())) as opened:
        held = {name: opened.read(name) for name in opened.namelist()}
    document = json.loads(held["manifest.json"])
    change(document)
    held["manifest.json"] = json.dumps(document).encode()
    held |= files or {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in held.items():
            made.writestr(name, content)
    return buffer.getvalue()


def test_what_is_built_is_good_and_has_previews_of_azure_devops() -> None:
    assert problems(_package(), app_id=APP_ID) == []
    with zipfile.ZipFile(io.BytesIO(_package())) as opened:
        document = json.loads(opened.read("manifest.json"))
    (extension,) = document["composeExtensions"]
    assert extension["botId"] == APP_ID
    (handler,) = extension["messageHandlers"]
    assert handler["value"]["domains"] == ["dev.azure.com", "*.visualstudio.com"]
    assert [each["scopes"] for each in document["bots"][0]["commandLists"]] == [
        ["team"],
        ["groupChat"],
        ["personal"],
    ]


def _small_icon() -> bytes:
    with zipfile.ZipFile(io.BytesIO(_package())) as opened:
        return opened.read("outline.png")


@pytest.mark.parametrize(
    ("package", "problem"),
    [
        (b"hello", "no zip"),
        (_changed(lambda d: d.pop("icons")), "has no icons"),
        (_changed(lambda d: d.update(id="nonsense")), "id is no GUID"),
        (_changed(lambda d: d.update(version="1.0")), "version is not three numbers"),
        (_changed(lambda d: d.update(manifestVersion="1.16")), "$schema"),
        (_changed(lambda d: d["name"].update(short="x" * 31)), "name.short must have 1 to 30"),
        (_changed(lambda d: d["developer"].update(privacyUrl="http://x")), "privacyUrl"),
        (_changed(lambda d: d["bots"][0].update(scopes=["world"])), "scopes must be of"),
        (_changed(lambda d: d["bots"][0].update(botId=OTHER_ID)), "another bot"),
        (
            _changed(lambda d: d["bots"][0]["commandLists"][0]["commands"].clear()),
            "must have 1 to 10 commands",
        ),
        (
            _changed(
                lambda d: d["bots"][0]["commandLists"][0]["commands"][0].update(title="x" * 33)
            ),
            "a title must have",
        ),
        (
            _changed(
                lambda d: d["composeExtensions"][0]["messageHandlers"][0]["value"].update(
                    domains=["https://dev.azure.com/x"]
                )
            ),
            "must be host names",
        ),
        (_changed(lambda d: d, {"color.png": _small_icon()}), "is 32×32; Teams wants 192×192"),
        (_changed(lambda d: d, {"outline.png": b"GIF89a"}), "outline icon is no PNG"),
    ],
)
def test_what_teams_would_refuse_is_named(package: bytes, problem: str) -> None:
    found = problems(package, app_id=APP_ID)
    assert any(problem in each for each in found), found


def test_hostile_manifests_are_refused_without_a_traceback() -> None:
    for text in (b"[]", b"null", b"{" * 100_000, b"\xff", b'{"bots": [1], "name": 3}'):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as made:
            made.writestr("manifest.json", text)
        assert problems(buffer.getvalue())


def test_build_and_check_as_an_operator_types_them(run: Run, tmp_path: Path) -> None:
    assert run("manifest", "build", **MINE).exit_code == 0
    done = run("manifest", "build", "--check", "pullcord-teams.zip", **MINE)
    assert done.exit_code == 0
    assert "a package that Teams takes" in done.output
    assert "another version" not in done.output
    wrong = run(
        "manifest", "build", "--check", "pullcord-teams.zip", **MINE | {"TEAMS_APP_ID": OTHER_ID}
    )
    assert wrong.exit_code == 1
    assert "another bot" in wrong.output
    (tmp_path / "pullcord-teams.zip").write_bytes(
        _changed(lambda d: d["bots"][0]["commandLists"].pop())
    )
    older = run("manifest", "build", "--check", "pullcord-teams.zip", **MINE)
    assert older.exit_code == 0
    assert "another version of Pullcord" in older.output


def test_previews_are_for_the_hosts_that_are_connected(
    run: Run, database: Path, tmp_path: Path
) -> None:
    def fill(session: Session) -> None:
        for name, url in (
            ("contoso", "https://dev.azure.com/contoso"),
            ("inside", "https://tfs.example.com:8080/tfs/Main"),
        ):
            session.add(Connection(name=name, base_url=url, created_at=utc_now()))

    async def store() -> None:
        async with Database.open(f"sqlite:///{database}") as db:
            await db.write(fill)

    asyncio.run(store())
    assert run("manifest", "build", **MINE).exit_code == 0
    with zipfile.ZipFile(tmp_path / "pullcord-teams.zip") as opened:
        document = json.loads(opened.read("manifest.json"))
    assert document["composeExtensions"][0]["messageHandlers"][0]["value"]["domains"] == [
        "dev.azure.com",
        "contoso.visualstudio.com",
        "tfs.example.com",
    ]
