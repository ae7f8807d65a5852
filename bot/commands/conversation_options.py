"""Changing the options of a conversation's subscriptions, all of them or one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlmodel import Session

from bot.cards.plain_text import plain
from bot.commands.command import CommandRefused, Invocation
from bot.commands.following import label_of
from bot.commands.subscribers import check_may_subscribe
from bot.identities import actor_of
from storage import audit
from storage.queries import subscriptions
from storage.tables import Subscription

Options = Mapping[str, Any]

NOTHING_FOLLOWED = "Nothing is followed here. Say `subscribe PROJECT/REPOSITORY` first."


async def own_subscriptions(invocation: Invocation) -> Sequence[Subscription]:
    """The conversation's subscriptions.

    Raises:
        CommandRefused: there are none.
    """
    rows = await invocation.services.db.read(
        lambda s: subscriptions.of_conversation(s, invocation.conversation.id)
    )
    if not rows:
        raise CommandRefused(NOTHING_FOLLOWED)
    return rows


async def change_options(
    invocation: Invocation,
    option: str,
    change: Callable[[Options], Mapping[str, Any] | None],
    *,
    only: str = "",
) -> list[str]:
    """Change one option of all subscriptions, or of the one called ``only``; whose it was.

    ``change`` gets all options and returns the new value of ``option``, None for none.

    Raises:
        CommandRefused: nothing is followed here, ``only`` is not among it, or the asker may not.
    """
    await check_may_subscribe(invocation)
    await own_subscriptions(invocation)
    now, actor = invocation.services.clock(), actor_of(invocation.person)

    def store(session: Session) -> list[str]:
        rows = subscriptions.of_conversation(session, invocation.conversation.id)
        chosen = [row for row in rows if not only or _is_called(row, only)]
        for row in chosen:
            before, after = row.options.get(option), change(row.options)
            if before == after:
                continue
            rest = {key: value for key, value in row.options.items() if key != option}
            row.options = rest if after is None else {**rest, option: dict(after)}
            session.add(row)
            audit.append(
                session,
                at=now,
                actor=actor,
                action="subscription.changed",
                connection=row.connection,
                subject=f"conversation/{row.conversation_id}",
                before={"of": label_of(row), option: before},
                after={"of": label_of(row), option: row.options.get(option)},
                cause=invocation.cause,
            )
        return [label_of(row) for row in chosen]

    labels = await invocation.services.db.write(store)
    if not labels:
        raise CommandRefused(f"“{plain(only, 60)}” is not followed here. See `subscriptions`.")
    return labels


def _is_called(row: Subscription, name: str) -> bool:
    wanted = name.casefold()
    return wanted in (label_of(row).casefold(), row.repository.casefold(), row.project.casefold())
