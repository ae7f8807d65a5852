"""What the documents name is there: commands, options, settings, metrics, files, addresses."""

import re
from pathlib import Path

import click
import pytest
from prometheus_client import REGISTRY

from bot import metrics
from bot.cli import COMMANDS, cli
from bot.settings import Settings
from tests.docs.documents import DOCUMENTS, anchors, code_lines, command_lines, links, quoted
from tests.docs.generated import README, ROOT

OPERATIONS = ROOT / "docs" / "operations.md"
SETTING = re.compile(r"PULLCORD_[A-Z_]*[A-Z]")
FOR_TESTS = re.compile(r"PULLCORD_(TEST|REQUIRE)_[A-Z_]+")
METRIC = re.compile(r"pullcord_[a-z_]+")
LARGEST_PICTURE_BYTES = 200_000

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_every_command_line_that_is_named_exists_with_its_options(document: Path) -> None:
    for words in command_lines(document):
        command, path = resolve(words)
        known = {name for parameter in command.params for name in parameter.opts}
        known |= {"--help", "--version"}
        unknown = [word for word in words if word.startswith("-") and word not in known]
        assert not unknown, f"pullcord {' '.join(path)} has no {unknown}"


def test_the_readme_names_every_command_of_the_command_line() -> None:
    named = {tuple(resolve(words)[1]) for words in command_lines(README)}
    missing = every_command() - named
    assert not missing, f"the README does not name {missing}"


@each_document
def test_every_setting_that_is_named_exists(document: Path) -> None:
    known = {f"PULLCORD_{name.upper()}" for name in Settings.model_fields}
    named = set(SETTING.findall(FOR_TESTS.sub("", document.read_text("utf-8"))))
    assert named <= known


def test_the_operations_document_names_exactly_the_metrics_that_are_there() -> None:
    assert metrics.WEBHOOKS is not None  # importing it has registered them
    exported = {each.name for each in REGISTRY.collect() if each.name.startswith("pullcord_")}
    ending = re.compile(r"_(total|info)$")  # the collector's own name has it not
    named = {ending.sub("", name) for name in METRIC.findall(OPERATIONS.read_text("utf-8"))}
    assert named == exported


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_document
def test_every_file_of_ours_that_is_named_exists(document: Path) -> None:
    folders = ("bot/", "adapters/", "storage/", "manifest/", "tests/", "docs/", ".ci/")
    for name in quoted(document):
        path = name.partition(" ")[0]
        if path.startswith(folders):
            assert (ROOT / path).exists(), name


def test_the_readme_has_the_two_commands_on_lines_of_their_own() -> None:
    lines = code_lines(README)
    assert "uv run pullcord demo" in lines
    assert "uv run pytest" in lines


def test_the_picture_is_a_small_png() -> None:
    picture = (ROOT / "docs" / "card.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < LARGEST_PICTURE_BYTES


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a line means, and its name."""
    command: click.Command = cli
    path: list[str] = []
    context = click.Context(cli)
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        found = command.get_command(context, word)
        assert found is not None, f"there is no `pullcord {' '.join([*path, word])}`"
        command = found
        path.append(word)
    return command, path


def every_command() -> set[tuple[str, ...]]:
    """The names of all commands that do something."""
    found: set[tuple[str, ...]] = set()
    for name in COMMANDS:
        command, _ = resolve([name])
        inner = (
            command.list_commands(click.Context(command))
            if isinstance(command, click.Group)
            else []
        )
        found |= {(name, each) for each in inner} or {(name,)}
    return found
