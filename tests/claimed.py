"""A stored row of the outbox as the one who sends it has it."""

from dataclasses import fields

from storage.outbox import Claimed
from storage.tables import OutboxRow


def in_hand(row: OutboxRow) -> Claimed:
    return Claimed(**{each.name: getattr(row, each.name) for each in fields(Claimed)})
