"""``reviews``: what waits for my review, what was asked first at the top."""

from dataclasses import replace

from bot.cards.answers import command_button, text_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.own_identities import own_identities
from bot.commands.pull_request_lists import MOST_LISTED, ago, list_reply
from bot.commands.text import no_arguments
from bot.own_groups import MOST_READ, list_waiting
from bot.people_preferences import preferences_of

TITLE = "Waiting for your review"
PARTLY = (
    f"Of what was asked of your groups I looked at the first {MOST_READ} only; more may wait for "
    "you."
)


async def run(invocation: Invocation, _: None) -> Reply:
    """List open, published pull requests that wait for the asker's vote, or his groups'."""
    identities = await own_identities(invocation)
    waiting = await invocation.services.db.read(
        lambda s: list_waiting(s, invocation.person.id or 0, identities, limit=MOST_LISTED + 1)
    )
    partly = "" if waiting.is_whole else PARTLY
    if not waiting.found:
        button = command_button("My pull requests", "prs", "mine")
        lines = ["Nothing waits for your review.", partly]
        return Reply((text_card(TITLE, [line for line in lines if line], [button]),))
    now, preferences = invocation.services.clock(), preferences_of(invocation.person)
    found = [
        replace(
            each,
            is_muted=preferences.mutes(pull_request=each.key, repository=each.repository_key),
        )
        for each in waiting.found
    ]
    return list_reply(TITLE, found, now, clock_column="Asked", clock=ago, note=partly)


COMMAND = Command(
    name="reviews",
    usage="reviews",
    summary="List the pull requests that wait for your review, and since when.",
    examples=("reviews",),
    parse=no_arguments,
    run=run,
    aliases=("my reviews", "review"),
    details=(
        "Also those asked of a group that you are in, unless it is another member's turn. Drafts "
        "are left out; what you muted is marked."
    ),
    is_changing=False,
)
