"""All commands in their order, and which of them a text means.

The same list gives ``help``, the manifest's command list and the documentation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.commands.command import Command, UsageError
from bot.commands.text import Word, normalise, split_words
from bot.likeness import how_alike, most_alike
from bot.links import TicketLink, parse_link
from bot.roles import Role
from bot.teams_model import ConversationKind

MANIFEST_TITLE_LIMIT = 32
MANIFEST_DESCRIPTION_LIMIT = 128
MANIFEST_COMMANDS_LIMIT = 10
"""Limits of ``bots[].commandLists`` (Microsoft Teams app manifest reference)."""

LIKENESS = 0.72
"""How alike a typing mistake and a command must be (difflib ratio) to be suggested."""

STRONG_LIKENESS = 0.8
"""From here on it rather is a mistake ("strat ticket 5") than a preamble ("please ticket 5")."""

LONGEST_PREAMBLE = 3
"""Words that may stand before a command that is suggested: "can you please"."""

_KIND_NAMES = {
    ConversationKind.CHANNEL: "channels",
    ConversationKind.GROUP: "group chats",
    ConversationKind.PERSONAL: "your personal chat with me",
}


@dataclass(frozen=True, slots=True)
class Understood:
    """A command and the words after its name, as typed; ``inputs`` is what a form holds."""

    command: Command
    arguments: str
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """No command. ``suggestion`` is the nearest one, ``arguments`` what would stand after it."""

    text: str
    suggestion: Command | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class NothingSaid:
    """Only a mention, a picture, or punctuation."""


Meaning = Understood | NotUnderstood | NothingSaid


class Registry:
    """The commands in the order in which help shows them.

    Raises:
        ValueError: If two commands have the same name or alias.
    """

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = tuple(commands)
        self._by_name: dict[tuple[str, ...], Command] = {}
        for command in self.commands:
            for name in (command.name, *command.aliases):
                words = tuple(name.split())
                if words in self._by_name:
                    raise ValueError(f"two commands are called {name!r}")
                self._by_name[words] = command
        self._longest = max((len(words) for words in self._by_name), default=0)

    def named(self, name: str) -> Command | None:
        """The command of this name or alias in any case, None when there is none."""
        return self._by_name.get(tuple(word.key for word in split_words(name)))

    def understand(self, typed: str) -> Meaning:
        """What a message means: the command with the longest name that it begins with."""
        text = normalise(typed)
        words = split_words(text)
        if not words:
            return NothingSaid()
        for length in range(min(self._longest, len(words)), 0, -1):
            command = self._by_name.get(_keys(words[:length]))
            if command is not None:
                return Understood(command, _rest(text, words, length))
        return (
            self._of_address(text, words) or self._quoted(text, words) or self._nearest(text, words)
        )

    def available(self, kind: ConversationKind) -> list[Command]:
        """The commands that can be given in this kind of conversation."""
        return [command for command in self.commands if kind in command.scopes]

    def _of_address(self, text: str, words: list[Word]) -> NotUnderstood | None:
        """A pasted address alone: what is most likely wanted of it."""
        link = parse_link(words[0].text) if len(words) == 1 and "://" in text else None
        if link is None:
            return None
        command = self.named("ticket" if isinstance(link, TicketLink) else "sync pr")
        return NotUnderstood(text, command, text) if command is not None else None

    def _quoted(self, text: str, words: list[Word]) -> NotUnderstood | None:
        """``"start ticket" 124``: a name that was copied with its quotes."""
        if words[0].key or not words[0].text.strip():
            return None
        meant = self.understand(f"{words[0].text} {text[words[0].end :]}")
        if not isinstance(meant, Understood):
            return None
        return NotUnderstood(text, meant.command, meant.arguments)

    def _nearest(self, text: str, words: list[Word]) -> NotUnderstood:
        """A command that is only begun ("start 123"), or comes later, then the most alike name."""
        if not self._by_name:
            return NotUnderstood(text)
        for name, command in self._by_name.items():
            if len(name) > 1 and words[0].key == name[0]:
                return NotUnderstood(text, command, _rest(text, words, _shared(name, words)))
        if ended := self._ending(text, words):
            return ended
        likeness, command, length = max(self._likenesses(words), key=lambda found: found[0])
        later = self._later(text, words)
        if later and likeness < STRONG_LIKENESS:
            return later
        if likeness < LIKENESS:
            return NotUnderstood(text)
        return NotUnderstood(text, command, _rest(text, words, length))

    def _ending(self, text: str, words: list[Word]) -> NotUnderstood | None:
        """The one command of which only the last word was said: "pr 12" for "sync pr 12"."""
        arguments = _rest(text, words, 1)
        found = [
            command
            for command in self.commands
            if arguments and command.name.split()[1:][-1:] == [words[0].key]
        ]
        if len(found) != 1 or not takes(found[0], arguments):
            return None
        return NotUnderstood(text, found[0], arguments)

    def _later(self, text: str, words: list[Word]) -> NotUnderstood | None:
        """A command with a few words before it: "please start ticket 5"."""
        for start in range(1, min(LONGEST_PREAMBLE, len(words) - 1) + 1):
            for end in range(min(start + self._longest, len(words)), start, -1):
                command = self._by_name.get(_keys(words[start:end]))
                if command is not None:
                    return NotUnderstood(text, command, _rest(text, words, end))
        return None

    def _likenesses(self, words: list[Word]) -> Iterator[tuple[float, Command, int]]:
        """(how alike, command, typed words it would stand for).

        Also written as one word ("startticket 5"), or with the first word only ("strat 5").
        """
        for name, command in self._by_name.items():
            wanted_words = [(" ".join(name), len(name)), ("".join(name), 1)]
            if command.name.split() == list(name):  # not of "show prs" and other ways to say it
                wanted_words.append((name[0], 1))
            for wanted, length in wanted_words:
                typed = " ".join(_keys(words[:length]))[:60]
                yield how_alike(typed, wanted), command, length


def takes(command: Command, arguments: str) -> bool:
    """Whether what stands behind a command's name makes sense there."""
    try:
        command.parse(arguments)
    except UsageError:
        return False
    return True


def places(command: Command) -> str:
    """Where a command can be given, in words."""
    return " and ".join(name for kind, name in _KIND_NAMES.items() if kind in command.scopes)


def manifest_commands(registry: Registry, kind: ConversationKind) -> list[dict[str, str]]:
    """The command list of the Teams manifest for one scope: the first ten by order.

    Raises:
        ValueError: If a name or summary is longer than Teams takes.
    """
    listed = registry.available(kind)[:MANIFEST_COMMANDS_LIMIT]
    for command in listed:
        if (
            len(command.name) > MANIFEST_TITLE_LIMIT
            or len(command.summary) > MANIFEST_DESCRIPTION_LIMIT
        ):
            raise ValueError(f"{command.name!r} or its summary is too long for the manifest")
    return [{"title": command.name, "description": command.summary} for command in listed]


def markdown_reference(registry: Registry) -> str:
    """The commands as a Markdown document, for docs/commands.md."""
    parts = ["# Commands\n"]
    for command in registry.commands:
        examples = "\n".join(f"- `{example}`" for example in command.examples)
        also = ", ".join(f"`{alias}`" for alias in command.aliases)
        scope = (
            "" if command.scopes == frozenset(ConversationKind) else f"Only in {places(command)}."
        )
        paragraphs = (
            f"## {command.name}",
            f"`{command.usage}`",
            command.summary,
            command.details,
            scope,
            _needed(command),
            f"Also: {also}." if also else "",
            f"Examples:\n\n{examples}" if examples else "",
        )
        parts.append("\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n")
    return "\n".join(parts)


def _needed(command: Command) -> str:
    if command.needs is Role.NOBODY:
        return ""
    own = f"; {command.readers_may}: {Role.READER.label}" if command.readers_may else ""
    return f"Needs: {command.needs.label}{own}."


def _keys(words: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.key for word in words)


def _shared(name: tuple[str, ...], words: list[Word]) -> int:
    """How many leading words stand for a name: "start", "start tiket", "start a ticket"."""
    for place, word in enumerate(words[1:3], start=2):
        if most_alike(word.key[:60], name[1:2], 1, LIKENESS):
            return place
    return 1


def _rest(text: str, words: list[Word], length: int) -> str:
    return text[words[length - 1].end :].strip()
