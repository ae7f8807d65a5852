"""What happens in Teams, drawn in the terminal as it happens."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from adapters.sandbox.teams import Conversation, Message
from adapters.sandbox.teams.drawing import draw
from adapters.sandbox.teams.markdown_text import message_text
from adapters.sandbox.teams.world import World

CARD_WIDTH = 84


class Screen:
    """Draws each message of the bot once, and again when it has changed."""

    def __init__(self, console: Console, world: World) -> None:
        self._console = console
        self._world = world
        self._drawn: dict[str, int] = {}

    def tell(self, text: str) -> None:
        """A line of the story."""
        self._console.print()
        self._console.print(Text("▸ ", "bold yellow") + Text(text, "bold"))

    def check(self, passed: bool, text: str) -> None:
        """One point of the outcome."""
        self._console.print(
            Text("✓ " if passed else "✗ ", "green" if passed else "bold red") + text
        )

    def note(self, text: str) -> None:
        """An aside."""
        self._console.print(Text(text, "dim"))

    def show_news(self) -> None:
        """Draw what is new or changed since the last time."""
        for conversation in list(self._world.conversations.values()):
            for message in conversation.all_messages():
                key = f"{conversation.id}/{message.activity_id}"
                known = self._drawn.get(key, 0)
                if len(message.versions) > known:
                    self._drawn[key] = len(message.versions)
                    self._draw(conversation, message, is_update=known > 0)

    def _draw(self, conversation: Conversation, message: Message, *, is_update: bool) -> None:
        who = message.author.display_name if message.author else "Pullcord"
        heading = Text(f"  {_place(conversation)}", "cyan")
        heading.append("  thread" if message.root else "", "dim")
        heading.append(f"  {who}", "bold")
        heading.append("  (updated in place)" if is_update else "", "dim")
        self._console.print(heading)
        indent = 6 if message.root else 2
        if message.text:
            self._console.print(Padding(message_text(message.text), (0, 0, 0, indent)))
        for card in message.cards:
            width = min(CARD_WIDTH, self._console.width - indent)
            self._console.print(Padding(draw(card, width=width), (0, 0, 0, indent)))


def _place(conversation: Conversation) -> str:
    if conversation.team is not None:
        return f"#{conversation.name} in {conversation.team.name}"
    people = ", ".join(person.display_name for person in conversation.members)
    return f"chat of {people} with Pullcord"
