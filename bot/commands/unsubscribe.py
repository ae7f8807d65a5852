"""``unsubscribe PROJECT[/REPO]|all``: hear of it no more."""

from collections.abc import Sequence

from sqlmodel import Session

from bot.cards.answers import command_button, text_card
from bot.commands.choosing import nearest_names
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.following import label_of, parse_target
from bot.identities import actor_of
from storage import audit
from storage.queries import subscriptions
from storage.tables import Subscription

ALL = frozenset({"all", "everything"})


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
    services, conversation_id = invocation.services, invocation.conversation.id
    actor, now = actor_of(invocation.person), services.clock()

    def remove(session: Session) -> list[str]:
        rows = subscriptions.of_conversation(session, conversation_id)
        chosen = rows if name.casefold() in ALL else _named(rows, name)
        for row in chosen:
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
        return [label_of(row) for row in chosen]

    gone = await services.db.write(remove)
    if not gone:
        return Reply((text_card("This conversation follows nothing.", []),))
    button = command_button("Subscriptions", "subscriptions")
    text = f"No longer followed here: {', '.join(gone)}"
    return Reply((text_card(text, ["Cards that are here already stay as they are."], [button]),))


def _named(rows: Sequence[Subscription], name: str) -> list[Subscription]:
    """Those of this name; none at all only when nothing is followed.

    Raises:
        CommandRefused: If other things are followed, with the nearest.
    """
    target = parse_target(name)
    found = [
        row
        for row in rows
        if label_of(row).casefold() == target.name.casefold()
        and (not target.connection or row.connection.casefold() == target.connection.casefold())
    ]
    if found or not rows:
        return found
    labels = [label_of(row) for row in rows]
    close = nearest_names(target.name, labels) or labels[:5]
    raise CommandRefused(f"“{target.name}” is not followed here. Followed are: {', '.join(close)}.")


COMMAND = Command(
    name="unsubscribe",
    usage="unsubscribe PROJECT[/REPOSITORY] | all",
    summary="Stop hearing of a project or repository here.",
    examples=("unsubscribe Web/shop", "unsubscribe all"),
    parse=parse,
    run=run,
    aliases=("unfollow",),
)
