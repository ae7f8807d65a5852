"""The README's set-up, typed line by line against the sandbox, up to the first card."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app import Pullcord
from bot.cli import cli
from bot.settings import Settings, load_settings
from tests.docs.newcomer import Newcomer, lines_of_the_readme
from tests.docs.set_up import free_port


class SameProcess:
    """A terminal without a shell: starting Python for each line would take most of the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.bot: Pullcord | None = None

    async def type(self, line: str) -> tuple[int, str]:
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = line.removeprefix("export ").partition("=")
            if value.startswith("$("):
                code, value = await self.type(value[2:-1])
                assert code == 0
            self._monkeypatch.setenv(name, value.strip())
            return 0, ""
        assert words[0] == "pullcord"
        done = await asyncio.to_thread(CliRunner().invoke, cli, words[1:])
        return done.exit_code, done.output

    async def serve(self, url: str) -> None:
        self.bot = Pullcord(load_settings())
        await self.bot.start()
        assert self.bot.url == url


@pytest.fixture
async def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Newcomer]:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PULLCORD_{name.upper()}", raising=False)
    newcomer = Newcomer(tmp_path, free_port())
    await newcomer.start()
    for name, value in newcomer.surroundings.items():
        monkeypatch.setenv(name, value)
    yield newcomer
    await newcomer.stop()


async def test_the_readme_typed_as_it_stands_ends_with_a_good_doctor_and_a_card(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = SameProcess(monkeypatch)
    try:
        done = await newcomer.follow_the_readme(terminal)
        assert [each.line for each in done] == lines_of_the_readme()
        assert {each.line: each.output for each in done if each.code} == {}
        assert done[-1].line == "pullcord doctor"
        assert "!!" not in done[-1].output
        assert "The first one" in await newcomer.first_card()
    finally:
        if terminal.bot is not None:
            await terminal.bot.stop()
