"""Which command a text means, and what else the registry gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.command import Command, Invocation, Reply
from bot.commands.registry import (
    MANIFEST_COMMANDS_LIMIT,
    NothingSaid,
    NotUnderstood,
    Registry,
    Understood,
    manifest_commands,
    markdown_reference,
)
from bot.teams_model import ConversationKind

PULL_REQUEST = "https://dev.azure.com/contoso/Shop/_git/web/pullrequest/12?_a=files"
TICKET = "https://dev.azure.com/contoso/Shop/_workitems/edit/7"


async def _nothing(invocation: Invocation, arguments: Any) -> Reply:
    return Reply()


def command(name: str, *aliases: str, **more: Any) -> Command:
    summary = more.pop("summary", f"Does {name}.")
    return Command(
        name=name,
        usage=f"{name} WHAT",
        summary=summary,
        examples=(f"{name} 12",),
        parse=str,
        run=_nothing,
        aliases=aliases,
        **more,
    )


REGISTRY = Registry(
    [
        command("help", "hello"),
        command("prs"),
        command("reviews"),
        command("ticket"),
        command("start ticket"),
        command("sync pr", "sync"),
        command("link ticket"),
        command("link me"),
        command("subscribe"),
        command("subscriptions"),
        command("status", scopes=frozenset({ConversationKind.PERSONAL})),
    ]
)


@pytest.mark.parametrize(
    ("typed", "name", "arguments"),
    [
        ("SYNC PR 12", "sync pr", "12"),
        ("sync pull request 12", "sync pr", "12"),
        ("sync all", "sync pr", "all"),
        ("ticket 5", "ticket", "5"),
        ("work item 5", "ticket", "5"),
        ("Link Ticket 5 to PR 6", "link ticket", "5 to PR 6"),
        ("/link\u00a0me as Maya@Example.com", "link me", "as Maya@Example.com"),
        ("pull requests", "prs", ""),
        ("hello", "help", ""),
    ],
)
def test_the_longest_name_wins_and_arguments_keep_their_case(
    typed: str, name: str, arguments: str
) -> None:
    meaning = REGISTRY.understand(typed)
    assert isinstance(meaning, Understood)
    assert (meaning.command.name, meaning.arguments) == (name, arguments)


@pytest.mark.parametrize(
    ("typed", "suggested", "arguments"),
    [
        ("snyc pr 12", "sync pr", "12"),
        ("start tikcet 123", "start ticket", "123"),
        ("start 123", "start ticket", "123"),
        ("strat ticket 123", "start ticket", "123"),
        ("strat 123", "start ticket", "123"),
        ("syc 12", "sync pr", "12"),
        ("pr 12", "sync pr", "12"),
        ("start a ticket 123", "start ticket", "123"),
        ("please start ticket 123", "start ticket", "123"),
        ("can you please sync pr 12", "sync pr", "12"),
        ("please ticket 5", "ticket", "5"),
        ("startticket 123", "start ticket", "123"),
        ("subscibe Web/shop", "subscribe", "Web/shop"),
        ("subscription", "subscriptions", ""),
        ("reveiws", "reviews", ""),
        ("hlep", "help", ""),
        ("link 5 to pr 6", "link ticket", "5 to pr 6"),
        ('"start ticket" 124', "start ticket", "124"),
        (f"<{PULL_REQUEST}>", "sync pr", PULL_REQUEST),
        (f'<a href="{TICKET}">it</a>', "ticket", TICKET),
    ],
)
def test_a_typing_mistake_gets_the_nearest_command(
    typed: str, suggested: str, arguments: str
) -> None:
    meaning = REGISTRY.understand(typed)
    assert isinstance(meaning, NotUnderstood)
    assert meaning.suggestion is not None
    assert (meaning.suggestion.name, meaning.arguments) == (suggested, arguments)


@pytest.mark.parametrize("typed", ["what is for lunch", "123", "👍", "thanks a lot"])
def test_what_is_like_no_command_gets_no_suggestion(typed: str) -> None:
    assert REGISTRY.understand(typed) == NotUnderstood(typed)


@pytest.mark.parametrize("typed", ["", "  ", "&nbsp;", "?", "<p></p>"])
def test_only_a_mention_is_nothing_said(typed: str) -> None:
    assert REGISTRY.understand(typed) == NothingSaid()


def test_a_quoted_word_is_never_a_command() -> None:
    assert isinstance(REGISTRY.understand('"ticket" "5"'), NotUnderstood)


@given(st.text(max_size=300))
def test_any_text_has_a_meaning(text: str) -> None:
    meaning = REGISTRY.understand(text)
    assert isinstance(meaning, Understood | NotUnderstood | NothingSaid)


def test_two_commands_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="'go'"):
        Registry([command("start", "go"), command("go")])


def test_the_manifest_lists_at_most_ten_commands_of_the_scope() -> None:
    channel = manifest_commands(REGISTRY, ConversationKind.CHANNEL)
    assert len(channel) == MANIFEST_COMMANDS_LIMIT
    assert channel[0] == {"title": "help", "description": "Does help."}
    small = Registry([command("status", scopes=frozenset({ConversationKind.PERSONAL}))])
    assert manifest_commands(small, ConversationKind.CHANNEL) == []


def test_a_summary_too_long_for_the_manifest_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        manifest_commands(Registry([command("x", summary="y" * 129)]), ConversationKind.GROUP)


def test_the_reference_names_every_command_with_examples() -> None:
    text = markdown_reference(REGISTRY)
    for entry in REGISTRY.commands:
        assert f"## {entry.name}\n" in text
        assert f"- `{entry.examples[0]}`" in text
    assert "Only in your personal chat with me." in text
