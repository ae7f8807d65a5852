"""CHECKS 23: secrets everywhere, and every place where they could come out is searched.

The rest of the suite is listened to as well: tests/conftest.py, ``no_secret_is_logged``.
"""

import asyncio
import base64
import logging
import re
import zipfile
from collections.abc import Iterator
from typing import get_args

import pytest
from click.testing import CliRunner

from bot.cli import cli
from bot.cli.demo.stage import APP_PASSWORD, CONNECTION
from bot.jobs import CONNECTIONS
from bot.logs import LogFormat, formatter
from bot.redaction import Redaction
from tests.end_to_end.scene import Scene
from tests.end_to_end.serving import Served, environment_of

PARTS = (b"", b"a", b"ab")  # base64 of a secret depends on what stands before it


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Every line that is logged meanwhile at DEBUG, without the last net."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name} {self.format(record)}")

    keep, root = Keep(), logging.getLogger()
    keep.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    root.addHandler(keep)
    yield lines
    root.removeHandler(keep)


def canaries(scene: Scene) -> set[str]:
    """Every secret of a stage, plain and as base64 has it."""
    stage = scene.stage
    secrets = {
        APP_PASSWORD,
        stage.webhook_secret,
        *stage.settings.secret_keys,
        *stage.azure_devops._org.credentials.pats,
        *stage.teams.login.issued_tokens,
    }
    assert len(secrets) >= 4
    return secrets | {form for secret in secrets for form in _encoded(secret)}


def _encoded(secret: str) -> Iterator[str]:
    for before in PARTS:
        encoded = base64.b64encode(before + secret.encode()).decode()
        yield encoded[4:-4] if before else encoded.rstrip("=")


def leaks(text: str, secrets: set[str]) -> list[str]:
    """Where in the text a secret stands (without showing it)."""
    return [text[max(at - 60, 0) : at] for secret in secrets if (at := text.find(secret)) >= 0]


async def everything_goes_wrong(scene: Scene) -> list[str]:
    """Whatever works, and whatever fails with the secret in its hands; what was answered."""
    azure, teams = scene.azure, scene.teams
    pat = next(iter(azure._org.credentials.pats))
    basic = base64.b64encode(f":{pat}".encode()).decode()
    ticket = azure.add_work_item(scene.stage.project, "Task", "Pay later")
    answers = await scene.says(scene.priya, f"start ticket {ticket} in Shop/web")
    made = await scene.opens(scene.maya, "Cut prices", files={"checkout.py": "a = 1\n"})
    await azure.commit(
        scene.stage.repository,
        "main",
        {"checkout.py": "a = 2\n"},
        scene.jonas.azure_devops,
        "Other",
    )
    await scene.stage.settle()

    # Azure DevOps refuses, breaks, and repeats in its answer what it was given.
    echo = f"you sent Authorization: Basic {basic}, that is {pat}"
    for fault in (
        {"status": 400, "body": {"message": echo, "typeKey": "Broken"}},
        {"status": 500, "body": {"message": echo}},
        {"drop": True},
        {"status": 203, "body": f"<html>{echo}</html>"},
        {"status": 401, "body": echo},
    ):
        azure.faults.add(**fault)
        answers += await scene.says(scene.maya, f"sync pr {made.id}")
        answers += await scene.says(scene.maya, "prs Shop/web")
        await scene.stage.bot.jobs.run_now("sweep")
        azure.faults.clear()

    # Teams does the same, and asks for a new token.
    token = next(iter(teams.login.issued_tokens))
    for status in (400, 401, 403, 500):
        teams.faults.add(
            path="/activities", status=status, times=2, body={"error": f"Bearer {token}"}
        )
        await azure.comment(made, scene.jonas.azure_devops, f"note {status}")
        await azure.hooks.idle()
        await asyncio.sleep(0)
    teams.faults.clear()
    teams.login.revoke_tokens()

    # Strangers, and people who mix secrets up.
    for secret in ("", "wrong", pat, APP_PASSWORD):
        await scene.sends_hook({"eventType": "git.push"}, secret=secret)
    await scene.sends_hook(b"{", connection=CONNECTION)
    await scene.sends_hook({"eventType": "git.push"}, connection=pat)
    for authorization in (f"Bearer {token}", f"Basic {basic}", token):
        async with scene.http.post(
            f"{scene.stage.bot.url}/api/messages", json={}, headers={"Authorization": authorization}
        ) as answer:
            answers.append(await answer.text())
    async with scene.http.post(
        scene.hook_url(), json={}, headers={"X-ADO-Signature": pat}
    ) as answer:
        answers.append(await answer.text())
    return answers


async def typed(scene: Scene, *words: str, **more: str) -> str:
    """What the command line prints, with the settings of the stage, at DEBUG."""
    environment = environment_of(scene.stage.settings) | {"PULLCORD_LOG_LEVEL": "DEBUG"} | more
    result = await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=environment)
    return f"{result.output}{result.exception!r}"


ASKED = (
    ("doctor",),
    ("connections",),
    ("connections", "--json"),
    ("connections", "test", "--json"),
    ("credentials", "list", CONNECTION),
    ("hooks", "check", CONNECTION),
    ("hooks", "check", CONNECTION, "--json"),
    ("hooks", "install", CONNECTION, "--dry-run"),
    ("hooks", "install", CONNECTION, "--print", "--dry-run"),
    ("inbox", "list", "--json"),
    ("outbox", "list", "--json"),
    ("audit", "verify"),
    *(
        ("export", what, *form)
        for what in ("links", "audit", "resolved")
        for form in ((), ("--json",))
    ),
)


async def what_an_operator_takes_away(scene: Scene) -> tuple[list[str], str, str]:
    """What every command prints, a backup, and the secret that is printed to be entered by hand."""
    await scene.stage.bot.jobs.run_now(CONNECTIONS)  # it was refused, and goes on
    public = {"PULLCORD_PUBLIC_URL": "https://pullcord.example.com"}
    printed = [await typed(scene, *words, **public) for words in ASKED]
    by_hand = await typed(scene, "hooks", "install", CONNECTION, "--print", **public)
    found = re.search(r"authentication password +(\S+)", by_hand)
    assert found, by_hand
    printed.append(by_hand.replace(found[1], ""))  # shown this once, and here only
    copy = scene.stage.folder / "copy.backup"
    assert "rows" in await typed(scene, "backup", str(copy))
    return printed, copy.read_bytes().decode("latin-1"), found[1]


async def test_CHECKS_23_no_secret_comes_out_anywhere(scene: Scene, written: list[str]) -> None:
    before = canaries(scene)
    client = await scene.stage.bot.azure_devops(CONNECTION)
    answers = await everything_goes_wrong(scene)
    secrets = before | canaries(scene)
    bot, settings = scene.stage.bot, scene.stage.settings

    async with scene.http.get(f"{bot.url}/metrics") as answer:
        answers.append(await answer.text())
    shown = [str(settings), repr(settings), repr(settings.model_dump())]
    shown += [repr(bot.services), repr(client), repr(bot.azure_devops)]
    said = [
        repr(message)
        for place in scene.teams.world.conversations.values()
        for message in place.all_messages()
    ]

    printed, backup, by_hand = await what_an_operator_takes_away(scene)
    secrets |= {by_hand, *_encoded(by_hand)}
    commands = [
        *printed,
        await typed(scene, "doctor", PULLCORD_SECRET_KEY="no-key-" + APP_PASSWORD),
        await typed(scene, "doctor", PULLCORD_DATABASE_URL=f"mysql://u:{APP_PASSWORD}@h/d"),
        await typed(scene, "doctor", PULLCORD_PORT=APP_PASSWORD),
    ]
    target = scene.stage.folder / "app.zip"
    pages = {
        "PULLCORD_PUBLIC_URL": "https://x.example",
        "PULLCORD_PUBLISHER_URL": "https://www.contoso.com",
    }
    await typed(scene, "manifest", "build", "--out", str(target), **pages)
    with zipfile.ZipFile(target) as package_file:
        packed = [package_file.read(name).decode("latin-1") for name in package_file.namelist()]
    stored = [
        path.read_bytes().decode("latin-1") for path in scene.stage.folder.glob("pullcord.db*")
    ]

    places: dict[str, list[str]] = {
        "logs": written,
        "answers": answers,
        "what repr shows": shown,
        "messages in Teams": said,
        "commands": commands,
        "the app package": packed,
        "the database": stored,
        "a backup": [backup],
    }
    assert len(written) > 50
    assert all(places.values())
    found = {place: leaks("\n".join(texts), secrets) for place, texts in places.items()}
    assert not any(found.values()), found


async def test_CHECKS_23_the_net_holds_also_what_the_code_would_log_by_mistake(
    scene: Scene,
) -> None:
    """Every secret of a stage, put into a line by a careless hand."""
    redact = Redaction(scene.stage.settings.secrets())
    for log_format in get_args(LogFormat):
        for secret in (
            APP_PASSWORD,
            *scene.stage.settings.secret_keys,
            *scene.stage.azure_devops._org.credentials.pats,
        ):
            assert secret not in _line(log_format, redact, f"oh no: {secret}")


def _line(log_format: LogFormat, redact: Redaction, text: str) -> str:
    record = logging.LogRecord("bot.sample", logging.ERROR, __file__, 1, text, (), None)
    return formatter(log_format, redact).format(record)


@pytest.mark.slow
async def test_CHECKS_23_a_process_at_debug_writes_no_secret(served: Served, scene: Scene) -> None:
    """``pullcord serve`` itself, with everything that its libraries log."""
    scene.stage.settings.log_level = "DEBUG"
    await served.start()
    assert await scene.sends_hook({"eventType": "git.push", "id": "1"}) == 202
    assert await scene.sends_hook({"eventType": "git.push"}, secret="wrong") == 401
    await scene.teams.say(scene.maya.teams, scene.channel, "prs")
    await served.quiet()
    assert await served.end() == 0
    log = served.log.read_text()
    assert "DEBUG" in log
    assert leaks(log, canaries(scene)) == []
