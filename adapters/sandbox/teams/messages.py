"""A message in a conversation, with everything it ever showed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.sandbox.teams.conversations import Conversation
    from adapters.sandbox.teams.people import TeamsPerson

ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, slots=True)
class Mention:
    """One `@name` as Teams would show it.

    Attributes:
        text: The marked text, `<at>Maya Sample</at>`.
        person: Who is told; None when the id is nobody of the conversation's directory, in which
            case Teams shows plain text and tells nobody.
    """

    text: str
    person: TeamsPerson | None


@dataclass(slots=True, eq=False)
class Message:
    """One message: a root post or a reply.

    Attributes:
        activity_id: The id the connector answered, or the one sent to the bot.
        conversation: Where it stands.
        author: The person, or None for the bot.
        sent_at: UTC.
        versions: Every activity body it had, the present one last.
        root: The post whose thread it stands in; None for a root post and in chats.
        replies: The thread below it, oldest first (channels only).
        deleted: Taken back by its author.
        reactions: (person, kind) pairs now on it.
        personal_cards: What a person (`29:` id) sees instead, after an invoke answered a card.
    """

    activity_id: str
    conversation: Conversation
    author: TeamsPerson | None
    sent_at: datetime
    versions: list[dict[str, Any]]
    root: Message | None = None
    replies: list[Message] = field(default_factory=list)
    deleted: bool = False
    reactions: list[tuple[TeamsPerson, str]] = field(default_factory=list)
    personal_cards: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        who = self.author.display_name if self.author else "bot"
        return f"<Message {self.activity_id} by {who}: {self.text or self.card!r}>"

    @property
    def activity(self) -> dict[str, Any]:
        """The activity body shown now."""
        return self.versions[-1]

    @property
    def from_bot(self) -> bool:
        """Whether the bot wrote it."""
        return self.author is None

    @property
    def text(self) -> str:
        """The text beside the cards, as sent."""
        return str(self.activity.get("text") or "")

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The Adaptive Cards shown now."""
        return [
            attachment["content"]
            for attachment in self.activity.get("attachments") or ()
            if attachment.get("contentType") == ADAPTIVE_CARD
        ]

    @property
    def card(self) -> dict[str, Any] | None:
        """The first Adaptive Card shown now, if there is one."""
        cards = self.cards
        return cards[0] if cards else None

    def card_for(self, person: TeamsPerson) -> dict[str, Any] | None:
        """The card as this person sees it, after an invoke that answered a card of their own."""
        return self.personal_cards.get(person.id) or self.card

    @property
    def mentions(self) -> list[Mention]:
        """The mentions Teams would show: those whose text stands in the message or in its card.

        https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations
        """
        found = list(_marked(self.activity.get("entities"), within=self.text))
        for card in self.cards:
            entities = (card.get("msteams") or {}).get("entities")
            found += _marked(entities, within="\n".join(_strings(card)))
        find = self.conversation.find_in_directory
        return [Mention(text, find(mentioned_id)) for text, mentioned_id in found]


def _marked(entities: object, *, within: str) -> Iterator[tuple[str, str]]:
    for entity in entities if isinstance(entities, list) else ():
        if entity.get("type") == "mention" and str(entity.get("text") or "\0") in within:
            yield entity["text"], str((entity.get("mentioned") or {}).get("id") or "")


def _strings(node: object) -> Iterator[str]:
    """Every text of a card except the entities, which name the mention but do not show it."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from _strings(child)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key != "msteams":
                yield from _strings(child)
