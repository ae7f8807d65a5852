"""``reviews``: what waits for my review, what was asked first at the top."""

from bot.cards.answers import command_button, text_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.own_identities import own_identities
from bot.commands.pull_request_lists import MOST_LISTED, ago, list_reply
from bot.commands.text import no_arguments
from bot.own_groups import list_waiting

TITLE = "Waiting for your review"


async def run(invocation: Invocation, _: None) -> Reply:
    """List open, published pull requests that wait for the asker's vote, or his groups'."""
    identities = await own_identities(invocation)
    found = await invocation.services.db.read(
        lambda s: list_waiting(s, invocation.person.id or 0, identities, limit=MOST_LISTED + 1)
    )
    if not found:
        button = command_button("My pull requests", "prs", "mine")
        return Reply((text_card(TITLE, ["Nothing waits for your review."], [button]),))
    now = invocation.services.clock()
    return list_reply(TITLE, found, now, clock_column="Asked", clock=ago)


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
        "are left out."
    ),
    is_changing=False,
)
