"""Messages as the outbox keeps them."""

from pydantic import TypeAdapter

from bot.teams_model import Json, OutgoingMessage

_message = TypeAdapter(OutgoingMessage)


def as_payload(message: OutgoingMessage) -> Json:
    """The message as JSON, for ``storage.enqueue.message``."""
    payload: Json = _message.dump_python(message, mode="json")
    return payload
