"""The real commands together: names, manifest, documentation, and parsers that never break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.catalogue import REGISTRY
from bot.commands.command import Command, UsageError
from bot.commands.help import usage_card
from bot.commands.registry import Understood, manifest_commands, markdown_reference
from bot.teams_model import ConversationKind

COMMANDS = pytest.mark.parametrize("command", REGISTRY.commands, ids=lambda each: each.name)
READING = {
    "help",
    "prs",
    "reviews",
    "ticket",
    "subscriptions",
    "preview",
    "whoami",
    "why",
    "status",
    "conflicts",
    "roles",
    "connect",
    "connections",
    "repositories",
}

PIECES = [
    "123",
    "#12",
    "AB#5",
    "in",
    "from",
    "to",
    "pr",
    "target",
    "all",
    "none",
    "as",
    "is",
    "not",
]
PIECES += [
    "a@b.example",
    "Web/shop",
    "contoso:Web",
    '"My Repo"',
    "'",
    '"',
    "/",
    ":",
    "!",
    "\\",
    ",",
]
PIECES += ["https://dev.azure.com/x/p/_git/r/pullrequest/4", "https://[", "://", "%", "\x00", "🙂"]
WORDS = st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)


@given(st.data())
def test_any_words_are_parsed_or_a_usage_error(data: st.DataObject) -> None:
    command = data.draw(st.sampled_from(REGISTRY.commands))
    arguments = data.draw(st.one_of(WORDS, st.text(max_size=200)))
    try:
        command.parse(arguments)
    except UsageError as problem:
        assert 0 < len(str(problem)) < 300


@COMMANDS
def test_its_own_examples_are_understood_and_parsed(command: Command) -> None:
    assert command.examples
    for example in command.examples:
        meaning = REGISTRY.understand(example)
        assert isinstance(meaning, Understood)
        assert meaning.command is command
        command.parse(meaning.arguments)


@COMMANDS
def test_usage_card_shows_usage_and_examples(command: Command) -> None:
    (card,) = usage_card(command, "Something is missing.").messages
    assert command.examples[0].split(maxsplit=1)[0] in str(card.card)


def test_only_reading_commands_say_that_they_change_nothing() -> None:
    assert {each.name for each in REGISTRY.commands if not each.is_changing} == READING


@pytest.mark.parametrize("kind", list(ConversationKind))
def test_the_manifest_takes_the_commands_of_every_scope(kind: ConversationKind) -> None:
    listed = manifest_commands(REGISTRY, kind)
    assert len(listed) <= 10
    assert all(len(each["title"]) <= 32 and len(each["description"]) <= 128 for each in listed)
    assert "start ticket" in {each["title"] for each in listed}


def test_the_reference_documents_every_command() -> None:
    text = markdown_reference(REGISTRY)
    assert all(f"`{command.usage}`" in text for command in REGISTRY.commands)
