"""What a conversation is told when one of its subscriptions cannot be read."""

from bot.cards.answers import command_button, text_card
from bot.cards.parts import Tone
from bot.cards.plain_text import escape
from bot.teams_model import OutgoingMessage

REASON_LENGTH = 300


def unreadable_card(label: str, reason: str) -> OutgoingMessage:
    """The subscription, what is wrong with it, and how it is put right."""
    lines = [
        f"Nothing is told here of {escape(label, 120)} until that is put right. What is stored of "
        f"its filters: {escape(reason, REASON_LENGTH)}.",
        "Open it below and save it anew, or take it away.",
    ]
    buttons = [
        command_button("Subscriptions", "subscriptions"),
        command_button("Unsubscribe", "unsubscribe", label),
    ]
    return text_card("I cannot read a subscription", lines, buttons, Tone.WARNING)
