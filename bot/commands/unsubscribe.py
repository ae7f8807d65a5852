"""``unsubscribe PROJECT[/REPO]|all``: hear of it no more."""

from sqlmodel import Session

from bot.cards.answers import command_button, text_card
from bot.commands.command import Command, Invocation, Reply, UsageError
from bot.commands.following import label_of
from bot.commands.own_subscriptions import chosen
from bot.commands.subscribers import check_may_subscribe
from bot.identities import actor_of
from storage import audit
from storage.queries import subscriptions


def parse(arguments: str) -> str:
    """A subscription's name, or ``all``.

    Raises:
        UsageError: If nothing is named.
    """
    if not arguments.strip():
        raise UsageError("Say which project or repository, or all.")
    return arguments.removeprefix("from ").strip()


async def run(invocation: Invocation, name: str) -> Reply:
    """Take the subscriptions of this name away."""
    await check_may_subscribe(invocation)
    services, conversation_id = invocation.services, invocation.conversation.id
    actor, now = actor_of(invocation.person), services.clock()

    def remove(session: Session) -> list[str]:
        rows = subscriptions.of_conversation(session, conversation_id)
        gone = chosen(rows, name)
        for row in gone:
            session.delete(row)
            audit.append(
                session,
                at=now,
                actor=actor,
                action="subscription.removed",
                connection=row.connection,
                subject=f"conversation/{conversation_id}",
                before={"of": label_of(row), "target_branches": row.target_branches},
                after=None,
                cause=invocation.cause,
            )
        return [label_of(row) for row in gone]

    gone = await services.db.write(remove)
    if not gone:
        what = command_button("What can be followed?", "repositories")
        return Reply((text_card("This conversation follows nothing.", [], [what]),))
    button = command_button("Subscriptions", "subscriptions")
    text = f"No longer followed here: {', '.join(gone)}"
    return Reply((text_card(text, ["Cards that are here already stay as they are."], [button]),))


COMMAND = Command(
    name="unsubscribe",
    usage="unsubscribe PROJECT[/REPOSITORY] | all",
    summary="Stop hearing of a project or repository here.",
    examples=("unsubscribe Web/shop", "unsubscribe all"),
    parse=parse,
    run=run,
    aliases=("unfollow",),
)
