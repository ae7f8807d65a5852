"""``subscriptions``: what this conversation follows."""

from bot.cards.answers import command_button, escape, table_card, text_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.following import label_of
from bot.commands.text import no_arguments
from storage.queries import subscriptions

TITLE = "Followed here"
MOST_BUTTONS = 5


async def run(invocation: Invocation, _: None) -> Reply:
    """List them, with a button to end each."""
    rows = await invocation.services.db.read(
        lambda s: subscriptions.of_conversation(s, invocation.conversation.id)
    )
    if not rows:
        hint = "Nothing yet. Say subscribe PROJECT or subscribe PROJECT/REPOSITORY."
        button = command_button("How to subscribe", "help", "subscribe")
        return Reply((text_card(TITLE, [hint], [button]),))
    table = [
        (
            escape(label_of(row)) + (" (paused)" if row.paused_at else ""),
            escape(", ".join(row.target_branches)) or "any branch",
            escape(row.connection),
            escape(row.created_by.partition(" <")[0]),
        )
        for row in rows
    ]
    buttons = [
        command_button(
            f"Unsubscribe {label_of(row)}", "unsubscribe", f"{row.connection}:{label_of(row)}"
        )
        for row in rows[:MOST_BUTTONS]
    ]
    columns = ("What", "Into", "Connection", "Asked for by")
    return Reply((table_card(TITLE, columns, table, buttons),))


COMMAND = Command(
    name="subscriptions",
    usage="subscriptions",
    summary="Show what this conversation follows.",
    examples=("subscriptions",),
    parse=no_arguments,
    run=run,
    aliases=("list subscriptions",),
    is_changing=False,
)
