"""``pause`` and ``resume``: hear nothing of a subscription for a while, and again."""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, text_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.following import label_of
from bot.commands.own_subscriptions import chosen
from bot.commands.subscribers import check_may_subscribe
from bot.identities import actor_of
from bot.subscribing import Order, pause, resume
from storage.queries import subscriptions
from storage.tables import Subscription

Change = Callable[[Session, Order, Sequence[Subscription]], list[Subscription]]


def parse(arguments: str) -> str:
    """A subscription's name, ``all``, or nothing for all."""
    return arguments.strip()


async def run_pause(invocation: Invocation, name: str) -> Reply:
    """Tell nothing under these subscriptions until they are resumed."""
    names = await _change(invocation, name, pause)
    if not names:
        return _nothing("Nothing is followed here that is not paused already.")
    button = command_button("Resume", "resume", names[0] if len(names) == 1 else "all")
    line = (
        "Nothing is told of it here until you say `resume`. What happens meanwhile is not told "
        "later; cards that are here stay up to date."
    )
    return Reply((text_card(f"Paused: {', '.join(names)}", [line], [button]),))


async def run_resume(invocation: Invocation, name: str) -> Reply:
    """Tell again from now on."""
    names = await _change(invocation, name, resume)
    if not names:
        return _nothing("Nothing is paused here.")
    button = command_button("Subscriptions", "subscriptions")
    title = f"Told again from now on: {', '.join(names)}"
    return Reply((text_card(title, [], [button], Tone.GOOD),))


async def _change(invocation: Invocation, name: str, change: Change) -> list[str]:
    await check_may_subscribe(invocation)
    services = invocation.services
    order = Order(
        invocation.conversation.id, actor_of(invocation.person), invocation.cause, services.clock()
    )

    def write(session: Session) -> list[str]:
        rows = chosen(subscriptions.of_conversation(session, order.conversation_id), name)
        return [label_of(row) for row in change(session, order, rows)]

    return await services.db.write(write)


def _nothing(text: str) -> Reply:
    return Reply((text_card(text, [], [command_button("Subscriptions", "subscriptions")]),))


PAUSE = Command(
    name="pause",
    usage="pause [PROJECT[/REPOSITORY] | all]",
    summary="Hear nothing of a subscription here for a while.",
    examples=("pause", "pause Web/shop"),
    parse=parse,
    run=run_pause,
)
RESUME = Command(
    name="resume",
    usage="resume [PROJECT[/REPOSITORY] | all]",
    summary="Hear again of what was paused here.",
    examples=("resume", "resume Web/shop"),
    parse=parse,
    run=run_resume,
)
