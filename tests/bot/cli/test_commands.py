"""What an operator types: exit codes, one-line reasons, nothing secret, no traceback."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.ports import utc_now
from storage import inbox
from storage.engine import Database, NewHook
from storage.queries import connections
from storage.tables import Connection
from tests.bot.cli.conftest import Run

HEAVY = ("botbuilder", "botframework", "sqlalchemy", "aiohttp", "httpx", "pydantic")


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    """``--help`` must answer at once, so it may not import the bot."""
    script = (
        "import sys\n"
        "from bot.cli import main\n"
        "sys.argv = ['pullcord', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for name in ("demo", "serve", "connect", "doctor", "inbox", "secret-key", "db"):
        assert name in done.stdout


def test_a_wrong_command_is_wrong_usage(run: Run) -> None:
    assert run("nonsense").exit_code == 2
    assert run("connect", "contoso").exit_code == 2


def test_secret_key_makes_a_new_good_key_each_time(run: Run) -> None:
    first, second = run("secret-key").output.strip(), run("secret-key").output.strip()
    assert first != second
    Fernet(first)


def test_serve_refuses_to_start_without_an_app_id(run: Run, database: Path) -> None:
    done = run("serve")
    assert done.exit_code == 1
    assert "PULLCORD_TEAMS_APP_ID" in done.output
    assert "Traceback" not in done.output


def test_serve_refuses_an_old_schema_with_the_command_to_run(run: Run) -> None:
    done = run("serve", TEAMS_APP_ID="app")
    assert done.exit_code == 1
    assert "pullcord db upgrade" in done.output


def test_serve_names_a_wrong_setting_without_its_value(run: Run) -> None:
    done = run("serve", PORT="canary-port")
    assert done.exit_code == 1
    assert "PULLCORD_PORT" in done.output
    assert "canary-port" not in done.output


def test_unauthenticated_is_refused_unless_on_loopback(run: Run) -> None:
    done = run("serve", TEAMS_APP_ID="app", TEAMS_UNAUTHENTICATED="loopback", HOST="0.0.0.0")
    assert done.exit_code == 1
    assert "refused unless PULLCORD_HOST" in done.output


def test_db_upgrade_makes_the_database(run: Run, tmp_path: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    assert (tmp_path / "pullcord.db").exists()
    assert run("db", "upgrade").exit_code == 0


def test_doctor_says_what_is_wrong_and_what_to_type(run: Run) -> None:
    done = run("doctor")
    assert done.exit_code == 1
    for advice in ("pullcord secret-key", "PULLCORD_TEAMS_APP_ID", "pullcord db upgrade"):
        assert advice in done.output


def test_doctor_speaks_json(run: Run) -> None:
    done = run("doctor", "--json")
    findings = json.loads(done.output)
    assert done.exit_code == 1
    assert {finding["what"] for finding in findings} >= {"settings", "secret key", "database"}


def test_connect_needs_a_key_to_encrypt_with(
    run: Run, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PAT", "canary-pat")
    done = run(
        "connect", "contoso", "--url", "https://dev.azure.com/contoso", "--project", "Shop",
        "--pat-env", "MY_PAT",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "pullcord secret-key" in done.output
    assert "canary-pat" not in done.output


def test_connect_refuses_an_empty_variable(run: Run, secret_key: str) -> None:
    done = run(
        "connect", "contoso", "--url", "https://dev.azure.com/contoso", "--project", "Shop",
        "--pat-env", "NOT_SET", SECRET_KEY=secret_key,
    )  # fmt: skip
    assert done.exit_code == 1
    assert "NOT_SET is empty" in done.output


@pytest.mark.parametrize("name", ["Contoso", "a b", "-x", "x" * 41, "a/b"])
def test_connect_refuses_a_name_that_is_no_address(run: Run, name: str) -> None:
    url = ("--url", "https://dev.azure.com/contoso", "--project", "Shop", "--pat-env", "X")
    assert run("connect", name, *url).exit_code == 2


# --- dead letters -----------------------------------------------------------------------------


@pytest.fixture
def dead_letter(database: Path) -> int:
    """One that could not be understood; its number."""

    async def make() -> int:
        async with Database.open(f"sqlite:///{database}") as db:
            row = Connection(
                name="contoso", base_url="https://dev.azure.com/contoso", created_at=utc_now()
            )
            await db.write(lambda s: connections.save(s, row))
            new = NewHook("contoso", "c:", b'{"eventType": "x"}', utc_now(), "x")
            assert await db.store_hook(new)
            (stored,) = await db.write(lambda s: inbox.claim(s, now=utc_now()))
            reason = "resource.pullRequestId is missing"
            await db.write(lambda s: inbox.mark(s, stored.id, "dead", now=utc_now(), reason=reason))
            return stored.id or 0

    return asyncio.run(make())


def states(database: Path) -> dict[str, int]:
    async def count() -> dict[str, int]:
        async with Database.open(f"sqlite:///{database}") as db:
            return dict(await db.read(inbox.counts))

    return asyncio.run(count())


def test_inbox_list_shows_dead_letters_with_the_reason(run: Run, dead_letter: int) -> None:
    done = run("inbox", "list")
    assert done.exit_code == 0
    assert "resource.pullRequestId is missing" in done.output
    (shown,) = json.loads(run("inbox", "list", "--json").output)
    assert (shown["id"], shown["connection"]) == (dead_letter, "contoso")


def test_doctor_shows_dead_letters(run: Run, dead_letter: int) -> None:
    done = run("doctor")
    assert "resource.pullRequestId is missing" in done.output
    assert "pullcord inbox retry" in done.output


@pytest.mark.parametrize("by_number", [True, False])
def test_inbox_retry_puts_them_back(
    run: Run, dead_letter: int, database: Path, by_number: bool
) -> None:
    done = run("inbox", "retry", *([str(dead_letter)] if by_number else []))
    assert done.exit_code == 0
    assert done.output.startswith("1 put back")
    assert states(database) == {"pending": 1}


@pytest.mark.parametrize("box", ["inbox", "outbox"])
def test_a_retry_of_what_is_no_dead_letter_fails_and_says_so(
    run: Run, dead_letter: int, box: str
) -> None:
    done = run(box, "retry", str(dead_letter + 76))
    assert done.exit_code == 1
    assert done.output.startswith("Error: 0 of 1 put back;")
    assert f"`pullcord {box} list`" in done.output


def test_inbox_retry_of_another_connection_touches_nothing(
    run: Run, dead_letter: int, database: Path
) -> None:
    assert run("inbox", "retry", "--connection", "fabrikam").output == "Nothing to put back.\n"
    assert states(database) == {"dead": 1}
