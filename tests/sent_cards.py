"""The card of a message on its way to Teams, as which it may be text already."""

import json

from bot.teams_model import Json, OutgoingMessage


def card_of(message: OutgoingMessage) -> Json | None:
    """The card, None when the message has none."""
    card: Json | None = json.loads(message.card_text) if message.card_text else message.card
    return card
