"""Messages as the outbox keeps them: the card as text, which nobody reads on its way to Teams."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bot.teams_model import Json, OutgoingMessage
from storage.json_text import dump_json

_message = TypeAdapter(OutgoingMessage)


def as_payload(message: OutgoingMessage) -> Json:
    """The message as JSON, for ``storage.enqueue.message``."""
    payload: Json = _message.dump_python(message, mode="json", exclude={"card"})
    if message.card is not None:
        payload["card_text"] = dump_json(message.card)
    return payload


def message_of(payload: Mapping[str, Any]) -> OutgoingMessage:
    """The message that ``as_payload`` wrote; its card stays text."""
    return _message.validate_python(payload)
