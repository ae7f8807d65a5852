"""``subscriptions [NAME]``: what this conversation follows, each with a form to change it."""

from collections.abc import Sequence

from bot.cards.answers import command_button, escape, table_card, text_card
from bot.cards.subscription_form import SubscriptionForm, draw_subscription_form
from bot.commands.command import Command, Invocation, Reply
from bot.commands.following import label_of
from bot.commands.own_subscriptions import ALL, chosen
from bot.notices.wish_texts import filter_text
from bot.subscribing import settings_or_default
from bot.teams_model import ConversationKind, OutgoingMessage
from storage.queries import subscriptions
from storage.tables import Subscription

TITLE = "Followed here"
MOST_FORMS = 3
MOST_BUTTONS = 5


def parse(arguments: str) -> str:
    """A subscription's name, or nothing for all."""
    return arguments.strip()


async def run(invocation: Invocation, name: str) -> Reply:
    """A form for each, or a list when there are many."""
    rows = await invocation.services.db.read(
        lambda s: subscriptions.of_conversation(s, invocation.conversation.id)
    )
    if not rows:
        hint = "Nothing yet. Say subscribe PROJECT or subscribe PROJECT/REPOSITORY."
        button = command_button("How to subscribe", "help", "subscribe")
        return Reply((text_card(TITLE, [hint], [button]),))
    wanted = chosen(rows, name)
    if len(wanted) > MOST_FORMS:
        return Reply((_list(wanted),))
    forms = [_form(row, invocation.conversation.kind) for row in wanted]
    if name.casefold() in ALL:
        return Reply((_list(wanted), *forms))
    return Reply(tuple(forms))


def _list(rows: Sequence[Subscription]) -> OutgoingMessage:
    table = [
        (
            escape(label_of(row)) + (" (paused)" if row.paused_at else ""),
            escape(_filters(row)),
            escape(row.connection),
            escape(row.created_by.partition(" <")[0]),
        )
        for row in rows
    ]
    buttons = [
        command_button(f"Change {label_of(row)}", "subscriptions", _full_name(row))
        for row in rows[:MOST_BUTTONS]
    ]
    shown = buttons if len(rows) > MOST_FORMS else ()
    note = "`subscriptions NAME` opens one to change it." if len(rows) > MOST_FORMS else ""
    return table_card(
        TITLE, ("What", "Filters", "Connection", "Asked for by"), table, shown, note=note
    )


def _filters(row: Subscription) -> str:
    settings = settings_or_default(row)
    return settings.trouble or filter_text(settings.wishes.filters)


def _form(row: Subscription, where: ConversationKind) -> OutgoingMessage:
    settings = settings_or_default(row)
    return draw_subscription_form(
        SubscriptionForm(
            name=_full_name(row),
            label=label_of(row),
            settings=settings,
            where=where,
            asked_by=row.created_by.partition(" <")[0],
        )
    )


def _full_name(row: Subscription) -> str:
    return f"{row.connection}:{label_of(row)}"


COMMAND = Command(
    name="subscriptions",
    usage="subscriptions [PROJECT[/REPOSITORY]]",
    summary="Show what this conversation follows, and change it.",
    examples=("subscriptions", "subscriptions Web/shop"),
    parse=parse,
    run=run,
    aliases=("list subscriptions",),
    is_changing=False,
)
