"""What is sent, as the Bot Connector's JSON.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import json

from pydantic_core import PydanticSerializationError, to_json

from bot.ports import TeamsRefused
from bot.teams_model import Conversation, ConversationKind, Json, OutgoingMessage

ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"


def message_body(
    conversation: Conversation, message: OutgoingMessage, *, is_new: bool = True
) -> bytes:
    """The activity of a message; `is_new` is False for an update, which alerts nobody again.

    Raises:
        TeamsRefused: it is empty, or a text and a card at once: Teams makes two messages of that
            and tells no id, so the card could never be updated.
    """
    if message.card is not None and message.text:
        raise TeamsRefused("a message is a card or a text, not both")
    if message.card is None and not message.text:
        raise TeamsRefused("the message is empty")
    activity: Json = {"type": "message"}
    if message.card is not None:
        activity["attachments"] = [{"contentType": ADAPTIVE_CARD, "content": message.card}]
    else:
        activity["text"] = message.text
        activity["textFormat"] = "markdown"
        entities = _mentions(message)
        if entities:
            activity["entities"] = entities
    if message.summary:
        activity["summary"] = message.summary
    if is_new and message.summary and conversation.kind is ConversationKind.PERSONAL:
        # An entry in the person's activity feed, with the summary; in channels a mention makes one.
        activity["channelData"] = {"notification": {"alert": True}}
    return encoded(activity)


def encoded(body: Json) -> bytes:
    """JSON as it goes over the wire; half a surrogate pair, which is no UTF-8, becomes a "?"."""
    try:
        return to_json(body)
    except PydanticSerializationError:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def _mentions(message: OutgoingMessage) -> list[Json]:
    """Mentions whose mark stands in the text; Teams refuses a message with any other."""
    marked = [(f"<at>{mention.name}</at>", mention) for mention in message.mentions]
    return [
        {
            "type": "mention",
            "text": mark,
            "mentioned": {"id": mention.user_id, "name": mention.name},
        }
        for mark, mention in marked
        if mark in message.text
    ]
