"""The conversation's own subscriptions by the names that people give them."""

from collections.abc import Sequence

from bot.commands.choosing import nearest_names
from bot.commands.command import CommandRefused
from bot.commands.following import label_of, parse_target
from storage.tables import Subscription

ALL = frozenset({"", "all", "everything"})


def chosen(rows: Sequence[Subscription], name: str) -> list[Subscription]:
    """Those of this name, all for "all" and "".

    A name is ``[CONNECTION:]PROJECT[/REPOSITORY]``, or the repository's alone where one is meant.

    None at all only when nothing is followed.

    Raises:
        CommandRefused: If other things are followed, with the nearest.
    """
    if name.casefold() in ALL:
        return list(rows)
    target = parse_target(name)
    there = [
        row
        for row in rows
        if not target.connection or row.connection.casefold() == target.connection.casefold()
    ]
    found = [row for row in there if label_of(row).casefold() == target.name.casefold()]
    if found or not rows:
        return found
    of_name = [
        row for row in there if label_of(row).casefold().endswith(f"/{target.name.casefold()}")
    ]
    if len(of_name) == 1 and "/" not in target.name:
        return of_name  # as "subscribe" takes the repository's name alone
    labels = [label_of(row) for row in rows]
    close = nearest_names(target.name, labels) or labels[:5]
    raise CommandRefused(f"“{target.name}” is not followed here. Followed are: {', '.join(close)}.")
