"""``preview PROJECT[/REPO] [filters]``: what it would have brought, before it is subscribed."""

from bot.cards.answers import command_button, escape, text_card
from bot.commands.command import Command, Invocation, Reply
from bot.commands.find_following import find_all
from bot.commands.following import Following
from bot.commands.group_filters import with_groups
from bot.commands.preview_texts import preview_line
from bot.commands.subscription_change import changed, place_of, stored
from bot.commands.subscription_words import Wish, parse_form, parse_wish
from bot.notices.wish_texts import filter_text
from bot.subscription_preview import preview


async def run(invocation: Invocation, wish: Wish) -> Reply:
    """Count for each what the last week would have brought; nothing is saved."""
    found = await find_all(invocation, wish.targets)
    messages = [(await _preview(invocation, each, wish)).messages[0] for each in found]
    return Reply(tuple(messages))


async def _preview(invocation: Invocation, following: Following, wish: Wish) -> Reply:
    services, place = invocation.services, place_of(following)
    conversation = invocation.conversation
    before = await services.db.read(lambda s: stored(s, conversation.id, place))
    after = changed(before, wish, conversation.kind)
    filters, trouble = await with_groups(invocation, following.connection, after.wishes.filters)
    wishes = after.with_filters(filters).wishes
    now = services.clock()
    told = await services.db.read(lambda s: preview(s, place, wishes, conversation.kind, now=now))
    lines = [
        f"Pull requests: **{escape(filter_text(filters), 800)}**.",
        escape(preview_line(told), 900),
        "Nothing is saved. It counts pull requests as they are now, without what is written to "
        "people directly, without tickets and builds.",
    ]
    if trouble:
        lines.append(escape(trouble))
    full = f"{following.connection}:{following.label}"
    buttons = [command_button("Subscriptions", "subscriptions", full if before else "")]
    return Reply((text_card(f"Preview of {following.label}", lines, buttons),))


COMMAND = Command(
    name="preview",
    usage="preview PROJECT[/REPOSITORY] [FILTER …] [KIND PLACE …]",
    summary="See what a subscription would have brought in the last 7 days.",
    examples=("preview Web/shop", "preview Web/shop target main votes card"),
    details="Takes the same words as `subscribe` and saves nothing.",
    parse=parse_wish,
    parse_form=parse_form,
    run=run,
    is_changing=False,
)
