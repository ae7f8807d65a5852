"""The conversation's own subscriptions by the names that people give them."""

from collections.abc import Sequence

from bot.commands.choosing import nearest_names
from bot.commands.command import CommandRefused
from bot.commands.following import label_of, parse_target
from storage.tables import Subscription

ALL = frozenset({"", "all", "everything"})


def chosen(rows: Sequence[Subscription], name: str) -> list[Subscription]:
    """Those of this name (``[CONNECTION:]PROJECT[/REPOSITORY]``), all for "all" and "".

    None at all only when nothing is followed.

    Raises:
        CommandRefused: If other things are followed, with the nearest.
    """
    if name.casefold() in ALL:
        return list(rows)
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
