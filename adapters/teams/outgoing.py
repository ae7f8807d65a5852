"""What is sent, as the Bot Connector's JSON.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import json

from pydantic_core import PydanticSerializationError, to_json

from bot.ports import TeamsRefused
from bot.teams_model import Conversation, ConversationKind, Json, OutgoingMessage

ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"
_ESCAPED = "\\u"


def message_body(
    conversation: Conversation, message: OutgoingMessage, *, is_new: bool = True
) -> bytes:
    """The activity of a message; `is_new` is False for an update, which alerts nobody again.

    Raises:
        TeamsRefused: it is empty, or a text and a card at once: Teams makes two messages of that
            and tells no id, so the card could never be updated.
    """
    has_card = message.card is not None or bool(message.card_text)
    if has_card and message.text:
        raise TeamsRefused("a message is a card or a text, not both")
    if not has_card and not message.text:
        raise TeamsRefused("the message is empty")
    activity: Json = {"type": "message"}
    if not has_card:
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
    if not has_card:
        return encoded(activity)
    return _CARD_MESSAGE % (_card(message), encoded(activity).removeprefix(b"{"))


_CARD_MESSAGE = (
    b'{"attachments":[{"contentType":"' + ADAPTIVE_CARD.encode() + b'","content":%b}],%b'
)


def _card(message: OutgoingMessage) -> bytes:
    """The card as JSON. As text it is taken as it is, if it is certain that all of it is UTF-8."""
    if not message.card_text:
        return encoded(message.card or {})
    if _ESCAPED in message.card_text:  # perhaps half a surrogate pair
        return encoded(json.loads(message.card_text))
    return message.card_text.encode()


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
