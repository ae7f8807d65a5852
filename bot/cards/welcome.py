"""The first thing that Pullcord says in a channel, group chat or personal chat."""

from bot.cards.answers import command_button, text_card
from bot.cards.parts import Tone
from bot.teams_model import ConversationKind, OutgoingMessage


def welcome_card(kind: ConversationKind) -> OutgoingMessage:
    """Says what Pullcord does here and offers the first steps as buttons."""
    return _for_a_person() if kind is ConversationKind.PERSONAL else _for_a_group(kind)


def _for_a_group(kind: ConversationKind) -> OutgoingMessage:
    is_channel = kind is ConversationKind.CHANNEL
    place = "channel" if is_channel else "chat"
    unless = ", unless administrators keep it to owners" if is_channel else ""
    return text_card(
        "Hello, I am Pullcord",
        [
            f"I keep one card per pull request in this {place} and say below it what happens: "
            "votes, new commits, merge conflicts, completion.",
            f"I am quiet until this {place} follows something: **@Pullcord subscribe PROJECT** or "
            f"**@Pullcord subscribe PROJECT/REPOSITORY**. Any member may say so{unless}.",
            "From a ticket to work: **@Pullcord start ticket 123** makes the branch and a draft "
            "pull request.",
        ],
        [
            command_button("Subscribe", "repositories"),
            command_button("Help", "help"),
            command_button("Connect", "connect"),
        ],
        Tone.INFO,
    )


def _for_a_person() -> OutgoingMessage:
    return text_card(
        "Hello, I am Pullcord",
        [
            "I tell you here when your review is asked for, and what happens to your own pull "
            "requests: votes, comments, merge conflicts. Never of what you did yourself.",
            "Type commands without a mention: **reviews**, **prs mine**, **start ticket 123**.",
        ],
        [
            command_button("Who am I to you?", "whoami"),
            command_button("My reviews", "reviews"),
            command_button("What can you do?", "help"),
        ],
        Tone.INFO,
    )
