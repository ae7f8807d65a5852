"""What a log line looks like, and what is never in one (CHECKS 23)."""

import asyncio
import base64
import json
import logging
import secrets
import sys

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.log_fields import add_log_fields, log_fields
from bot.logs import LogFormat, configure_logging, formatter
from bot.redaction import Redaction

PAT = "a1B2" * 19 + "AZDO" + "c3D4"
OLD_PAT = "abcdefghij234567klmnopqrst" * 2
TOKEN = jwt.encode({"aud": "somebody"}, "k" * 32, algorithm="HS256")
CLIENT_SECRET = "aBc8Q~" + "x-Y.z_1~" * 4
KNOWN = "a value that no pattern knows"
EVERY_FORMAT: tuple[LogFormat, ...] = ("plain", "json")

each_format = pytest.mark.parametrize("log_format", EVERY_FORMAT)
each_secret = pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"called with {PAT}", PAT),
        (f"called with {OLD_PAT} before", OLD_PAT),
        (f"got {TOKEN}", TOKEN),
        (f"client {CLIENT_SECRET}!", CLIENT_SECRET),
        ("Authorization: Basic OnNlY3JldA==", "OnNlY3JldA"),
        ("{'Authorization': b'Bearer opaque-token'}", "opaque-token"),
        ("proxy said Bearer b3BhcXVlLXRva2Vu", "b3BhcXVlLXRva2Vu"),
        ('{"client_secret": "hunter-two", "x": 1}', "hunter-two"),
        ("X-ADO-Signature=hunter-two", "hunter-two"),
        ("?token=hunter-two&x=1", "hunter-two"),
        ("postgresql://pullcord:hunter-two@db.example.com/pullcord", "hunter-two"),
        (f"it is {KNOWN}.", KNOWN),
    ],
)


def record(text: str, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("bot.sample", logging.ERROR, __file__, 1, "%s", (text,), exc_info)


def written(log_format: LogFormat, text: str, error: BaseException | None = None) -> str:
    return formatter(log_format, Redaction([KNOWN])).format(record(text, error))


@each_format
@each_secret
def test_CHECKS_23_a_secret_in_a_message_is_not_written(
    log_format: LogFormat, text: str, secret: str
) -> None:
    line = written(log_format, text)
    assert secret not in line
    assert "…" in line


@each_format
@each_secret
def test_CHECKS_23_a_secret_in_a_traceback_is_not_written(
    log_format: LogFormat, text: str, secret: str
) -> None:
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        line = written(log_format, "it failed", error)
    assert "RuntimeError" in line
    assert secret not in line


def test_what_is_no_secret_stays_as_it_is() -> None:
    line = (
        "pull request contoso!12 of feature/tokens at 0f3a9c1d2e3f405162738495a6b7c8d9e0f10213"
        " by maya@example.com: https://dev.azure.com/contoso/Shop/_git/web?version=GBmain"
    )
    assert Redaction([KNOWN])(line) == line


def test_a_known_value_that_is_a_common_word_is_not_taken_out() -> None:
    assert Redaction(["", "no"])("no words of a line go away") == "no words of a line go away"


def test_a_redaction_does_not_show_what_it_knows() -> None:
    assert KNOWN not in repr(Redaction([KNOWN]))


@given(st.text(max_size=200), st.binary(min_size=12, max_size=40))
def test_CHECKS_23_no_text_around_it_saves_a_basic_header(around: str, password: bytes) -> None:
    encoded = base64.b64encode(b":" + password).decode()
    clean = Redaction()(f"{around} Authorization: Basic {encoded} {around}")
    assert encoded not in clean


def test_a_json_line_is_one_object_with_time_level_logger_and_message() -> None:
    line = written("json", 'two\nlines and "quotes"')
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["message"] == 'two\nlines and "quotes"'
    assert entry["level"] == "ERROR"
    assert entry["logger"] == "bot.sample"
    assert entry["time"].endswith("Z")


@each_format
async def test_a_line_says_what_its_task_works_on(log_format: LogFormat) -> None:
    async def task(webhook: int) -> str:
        add_log_fields(webhook=webhook, connection="contoso")
        await asyncio.sleep(0)  # the other task sets its own meanwhile
        return written(log_format, "done")

    first, second = await asyncio.gather(task(1), task(2))
    if log_format == "json":
        assert json.loads(first)["webhook"] == 1
        assert json.loads(second)["webhook"] == 2
    else:
        assert first.endswith("done [webhook=1 connection=contoso]")
        assert second.endswith("done [webhook=2 connection=contoso]")
    assert log_fields() == {}


def test_a_field_cannot_forge_a_line() -> None:
    async def task() -> str:
        add_log_fields(cause="a\n2026-01-01 ERROR forged")
        return written("plain", "done")

    assert "\n" not in asyncio.run(task())


def test_a_field_cannot_take_the_place_of_the_message() -> None:
    async def task() -> str:
        add_log_fields(message=17)
        return written("json", "what happened")

    assert json.loads(asyncio.run(task()))["message"] == "what happened"


def test_libraries_are_quiet_also_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    try:
        configure_logging("DEBUG", secrets=[KNOWN])
        root.handlers[0].setStream(sys.stderr)  # type: ignore[attr-defined]  # a StreamHandler
        logging.getLogger("httpcore.http11").debug("headers of a request")
        logging.getLogger("bot.sample").debug("ours, %s", KNOWN)
    finally:
        root.handlers, root.level = before, level
        logging.captureWarnings(capture=False)
    said = capsys.readouterr().err
    assert "headers of a request" not in said
    assert "ours, …" in said


def test_CHECKS_23_random_pats_are_known_by_their_shape() -> None:
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"
    for _ in range(100):
        letters = "".join(secrets.choice(alphabet) for _ in range(80))
        token = f"{letters[:76]}AZDO{letters[76:]}"
        assert token not in Redaction()(f"https://host/?x={token} refused")
