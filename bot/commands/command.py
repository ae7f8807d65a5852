"""The shape of a command: grammar, help text and handler together."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.roles import Role
from bot.services import Services
from bot.teams_model import Conversation, ConversationKind, OutgoingMessage, TeamsUser
from storage.tables import ConversationRow, Person

EVERYWHERE = frozenset(ConversationKind)


class UsageError(ValueError):
    """The words after a command are not right. ``str()`` is one sentence that says what is."""


class CommandRefused(Exception):
    """The command cannot be done; ``str()`` says why and what to do next, in plain words."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """Who gave a command, where, and what it may work with.

    ``cause`` names the Teams activity; workflows and audit use it. ``person`` is the stored row of
    the sender (detached; read only). ``role`` is what the sender may do in the conversation.
    """

    services: Services
    conversation: Conversation
    conversation_row: ConversationRow
    sender: TeamsUser
    person: Person
    cause: str
    thread_id: str = ""
    role: Role = Role.MEMBER


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers: messages in order. Usually one card with the next step as button."""

    messages: tuple[OutgoingMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    ``name`` are its first words in lower case (``start ticket``). ``parse`` takes the words after
    the name, normalised, and raises UsageError. ``is_slow`` shows typing before it runs.
    A card's button with ``verb`` = ``name`` and ``data["arguments"]`` runs it as if typed.
    ``is_changing`` is True unless a command says that it only reads. ``role`` is what one must be
    to give the command; without it, members may give those that change something, and readers
    those that do not. ``own_role`` is enough in one's personal chat, for what only concerns oneself
    there. ``shows`` says of what ``parse`` gave whether it only shows something: that is for
    readers everywhere, whatever the command needs else.
    ``parse_form`` makes the same of a form: the words that its button carries, and what was filled
    in (input ids and texts). It raises UsageError, too. Without it a form is read as its words.
    """

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    parse: Callable[[str], Any]
    run: Callable[[Invocation, Any], Awaitable[Reply]]
    aliases: tuple[str, ...] = ()
    scopes: frozenset[ConversationKind] = EVERYWHERE
    is_slow: bool = False
    is_changing: bool = True
    details: str = ""
    parse_form: Callable[[str, Mapping[str, str]], Any] | None = None
    role: Role | None = None
    own_role: Role | None = None
    shows: Callable[[Any], bool] | None = None

    def needs_in(self, kind: ConversationKind, *, only_shows: bool = False) -> Role:
        """What one must at least be to give the command, or to press its button, there."""
        if only_shows:
            return Role.READER
        if kind is ConversationKind.PERSONAL and self.own_role is not None:
            return self.own_role
        return self.needs

    @property
    def readers_may(self) -> str:
        """What of it readers may, too, in words; "" where the command needs one role alone."""
        cases = {"in a personal chat": self.own_role, "to look": self.shows and Role.READER}
        return " or ".join(words for words, role in cases.items() if role is Role.READER)

    @property
    def needs(self) -> Role:
        """The same where others are concerned, too."""
        if self.role is not None:
            return self.role
        return Role.MEMBER if self.is_changing else Role.READER
