"""The command line in a folder of its own, with nothing in the environment."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from bot.settings import Settings
from storage.secrets import new_key
from tests.databases import migrated

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``pullcord …`` as if it were typed in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PULLCORD_{name.upper()}", raising=False)

    def typed(*words: str, **environment: str) -> Result:
        names = {f"PULLCORD_{name}": value for name, value in environment.items()}
        return CliRunner().invoke(cli, list(words), env=names)

    return typed


@pytest.fixture
def secret_key() -> str:
    return new_key()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with the present schema, where the command line looks for it."""
    path = tmp_path / "pullcord.db"
    migrated(path)
    return path
