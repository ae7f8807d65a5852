"""A message as it goes over the wire, whether its card is an object or text from the outbox."""

import json
from typing import Any

import pytest

from adapters.teams.outgoing import ADAPTIVE_CARD, message_body
from bot.outgoing import as_payload, message_of
from bot.ports import TeamsRefused
from bot.teams_model import Conversation, ConversationKind, Mention, OutgoingMessage

CHAT = Conversation(
    id="a:maya",
    kind=ConversationKind.PERSONAL,
    service_url="https://smba.example/teams",
    tenant_id="t",
)


def card(text: str) -> dict[str, Any]:
    return {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}]}


@pytest.mark.parametrize("text", ["Größe 🙂", 'a "b" \\ c\n', "%b", "\\u0041"])
def test_a_card_from_the_outbox_goes_out_as_it_was_drawn(text: str) -> None:
    drawn = OutgoingMessage(card=card(text), summary=f"New: {text}")
    stored = message_of(json.loads(json.dumps(as_payload(drawn))))
    assert stored.card is None
    body = json.loads(message_body(CHAT, stored))
    assert body == json.loads(message_body(CHAT, drawn))
    assert body == {
        "type": "message",
        "attachments": [{"contentType": ADAPTIVE_CARD, "content": card(text)}],
        "summary": f"New: {text}",
        "channelData": {"notification": {"alert": True}},
    }


def test_half_a_character_in_a_stored_card_becomes_a_question_mark() -> None:
    drawn = OutgoingMessage(card=card("half \ud83d"))
    stored = message_of(as_payload(drawn))
    for message in (drawn, stored):
        sent = json.loads(message_body(CHAT, message).decode())
        assert sent["attachments"][0]["content"] == card("half ?")


def test_a_text_keeps_its_mentions_in_the_outbox() -> None:
    said = OutgoingMessage(text="<at>Maya</at> hi", mentions=(Mention("29:maya", "Maya"),))
    stored = message_of(json.loads(json.dumps(as_payload(said))))
    assert stored == said
    assert json.loads(message_body(CHAT, stored))["entities"][0]["mentioned"]["id"] == "29:maya"


@pytest.mark.parametrize(
    "message",
    [
        OutgoingMessage(),
        OutgoingMessage(card=card("x"), text="y"),
        OutgoingMessage(card_text="{}", text="y"),
    ],
)
def test_nothing_and_two_things_at_once_are_refused(message: OutgoingMessage) -> None:
    with pytest.raises(TeamsRefused):
        message_body(CHAT, message)
