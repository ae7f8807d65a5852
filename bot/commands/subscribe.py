"""``subscribe PROJECT[/REPO] [filters] [where]``: hear of pull requests here."""

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.commands.command import Command, CommandRefused, Invocation, Reply
from bot.commands.find_following import find_all
from bot.commands.following import Following
from bot.commands.group_filters import with_groups
from bot.commands.preview_texts import preview_line
from bot.commands.subscribers import check_may_subscribe
from bot.commands.subscription_change import changed, place_of, stored
from bot.commands.subscription_words import Wish, parse_form, parse_wish
from bot.conflicts.radar import DIGEST_ONLY, OFF, ON
from bot.identities import actor_of
from bot.notices.wish_texts import drafts_text, filter_text, place_lines
from bot.subscribing import Order, Subscribed, store
from bot.subscription_preview import preview
from bot.teams_model import ConversationKind

_RADAR_TEXTS = {
    ON: "Authors hear when two open pull requests will conflict with each other.",
    OFF: "Whether open pull requests conflict with each other is not looked at.",
    DIGEST_ONLY: "Open pull requests that will conflict with each other are listed by `conflicts`; "
    "nobody is written to.",
}
_HERE = {
    ConversationKind.CHANNEL: "This channel",
    ConversationKind.GROUP: "This chat",
    ConversationKind.PERSONAL: "You",
}


async def run(invocation: Invocation, wish: Wish) -> Reply:
    """Check that it exists, then store the subscription or change the one that is there."""
    await check_may_subscribe(invocation)
    found = await find_all(invocation, wish.targets)
    return Reply(tuple([(await _subscribe(invocation, each, wish)).messages[0] for each in found]))


async def _subscribe(invocation: Invocation, following: Following, wish: Wish) -> Reply:
    services, place = invocation.services, place_of(following)
    order = Order(
        invocation.conversation.id, actor_of(invocation.person), invocation.cause, services.clock()
    )
    before = await services.db.read(lambda s: stored(s, order.conversation_id, place))
    if before is None and wish.is_form:
        raise CommandRefused(f"{following.label} is not followed here any more.")
    after = changed(before, wish, invocation.conversation.kind)
    filters, trouble = await with_groups(invocation, following.connection, after.wishes.filters)
    after = after.with_filters(filters)
    if before != after:
        await services.db.write(lambda s: store(s, order, place, after))
    told = await services.db.read(
        lambda s: preview(s, place, after.wishes, invocation.conversation.kind, now=order.now)
    )
    lines = [*_lines(invocation, following, wish, after), escape(preview_line(told), 700)]
    if trouble:
        lines.append(escape(trouble))
    return _confirmation(invocation, following, before, after, lines)


def _lines(
    invocation: Invocation, following: Following, wish: Wish, after: Subscribed
) -> list[str]:
    kind = invocation.conversation.kind
    wishes = after.wishes
    lines = [
        f"Pull requests: **{escape(filter_text(wishes.filters), 800)}**. "
        f"{drafts_text(wishes.filters)}"
    ]
    lines += [escape(each, 400) for each in place_lines(wishes.places, kind)]
    if kind is ConversationKind.PERSONAL:
        lines.append("What concerns you as author or reviewer I write to you in any case.")
    if wish.radar:
        lines.append(_RADAR_TEXTS[after.radar])
    if after.is_paused:
        lines.append(f"It is paused: say {escape(f'resume {following.label}')} to hear of it.")
    lines.append(f"To undo: {escape(f'unsubscribe {following.label}')}")
    return lines


def _confirmation(
    invocation: Invocation,
    following: Following,
    before: Subscribed | None,
    after: Subscribed,
    lines: list[str],
) -> Reply:
    who = _HERE[invocation.conversation.kind]
    follows = "follow" if invocation.conversation.kind is ConversationKind.PERSONAL else "follows"
    if before is None:
        title = f"{who} now {follows} {following.label}"
    elif before == after:
        title = f"{who} {follows} {following.label} already"
    else:
        title = f"Changed: {who[0].lower()}{who[1:]} {follows} {following.label}"
    full = f"{following.connection}:{following.label}"
    buttons = [
        command_button("Change", "subscriptions", full),
        command_button("Open pull requests", "prs", following.repository and following.label),
        command_button("Unsubscribe", "unsubscribe", full),
    ]
    return Reply((text_card(title, lines, buttons, Tone.GOOD),))


COMMAND = Command(
    name="subscribe",
    usage="subscribe PROJECT[/REPOSITORY] [FILTER …] [KIND PLACE …] [radar on|off|digest]",
    summary="Hear of pull requests of a project or repository here.",
    examples=(
        "subscribe Web",
        "subscribe Web/shop, Api/core-*",
        "subscribe Web/shop target release/* !main label !wip path src/** !docs/**",
        "subscribe Web/shop author Frontend Team, !Jonas Sample bots on drafts announce min 10",
        "subscribe Web/shop commits thread votes card completed channel",
        "subscribe Web tickets area Web\\Pay type Bug builds off",
        "subscribe Web/shop builds every",
        "subscribe Web/shop radar off",
        "subscribe contoso:Web/shop everything",
    ),
    details=(
        "Works in channels, group chats and your personal chat; several projects and repositories "
        "may be followed, with commas between, and repositories by wildcard. Filters are `target`, "
        "`source`, `author`, `reviewer` (people or groups), `label`, `path` (changed files), "
        "`title` (words), `drafts silent|announce|published`, `bots on|off`, and `min` changed "
        "files. `*` is any text, `!` leaves out, names match as a whole, and all filters must "
        "pass; commas separate names with spaces, quotes are for names that are keywords here. "
        "Kinds are `created`, `published`, `reviews`, `commits`, `votes`, `comments`, `mentions`, "
        "`checks`, `conflicts`, `ready`, `completed`, `abandoned`, `tickets`, `builds`; places "
        "are `card`, `thread`, `channel`, `direct` and `off`. Of builds, those are told that break "
        "a branch or mend it; `builds every` tells all, and `builds turns` undoes that. Given "
        "again, only what is named is changed; `any` after a filter takes it away, `everything` "
        "all of them. `radar` says whether authors hear of open pull requests that will conflict "
        "with each other: `on` (as a rule), `off`, or `digest`. With several connections, write "
        "the connection's name and a colon before the project."
    ),
    parse=parse_wish,
    parse_form=parse_form,
    run=run,
    aliases=("follow",),
)
