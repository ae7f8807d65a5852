"""``whoami``: what Pullcord knows of the one who asks."""

from bot.cards.answers import command_button, escape, text_card
from bot.commands.choosing import NOT_CONNECTED
from bot.commands.command import Command, Invocation, Reply
from bot.commands.failures import explain
from bot.commands.text import no_arguments
from bot.held_roles import role_of
from bot.identities import Unmatched, identities_everywhere
from bot.people import Sender, standing_of_stored
from bot.ports import AzureDevOpsError
from bot.roles import MEANINGS
from storage.queries import identities

_MATCHED = {
    "mail": "same mail as in Teams",
    "self": "you asked for it, same mail as in Teams",
    "administrator": "confirmed by an administrator",
}


async def run(invocation: Invocation, _: None) -> Reply:
    """Look for the person's identities in every connection and show them."""
    services, person = invocation.services, invocation.person
    lines = [
        f"In Teams: {escape(person.name or 'no name')}, {escape(person.mail or 'no mail known')}"
        + (" (guest)" if person.is_guest else "")
    ]
    missing = False
    everywhere = await identities_everywhere(services, person)
    if not everywhere:
        lines.append(NOT_CONNECTED)
    for connection, identity in everywhere:
        if isinstance(identity, AzureDevOpsError):
            lines.append(f"{escape(connection)}: {escape(explain(identity))}")
        elif isinstance(identity, Unmatched):
            missing = True
            lines.append(f"{escape(connection)}: {escape(identity)}")
        else:
            how = _MATCHED.get(identity.matched_by, identity.matched_by)
            lines.append(
                f"{escape(connection)}: **{escape(identity.display_name)}** "
                f"({escape(identity.unique_name)}), {how}"
            )
    waiting = await services.db.read(lambda s: identities.requested_by(s, person.id or 0))
    lines += [
        f"You asked to be {escape(row.unique_name)} in {escape(row.connection)}: "
        "an administrator has to confirm it"
        for row in waiting
    ]
    sender = Sender(person, standing_of_stored(person, services.clock()))
    held = await role_of(services, sender, invocation.conversation.id)
    lines.append(
        f"Your role here is **{held.role.label}**, because {held.because}: you may "
        f"{MEANINGS[held.role]}."
    )
    hint = "If that is wrong, or your mail differs in Azure DevOps: `link me as MAIL`."
    lines += [hint] if missing else []
    buttons = [command_button("My reviews", "reviews", "")]
    return Reply((text_card("Who you are to me", lines, buttons=buttons),))


COMMAND = Command(
    name="whoami",
    usage="whoami",
    summary="Show which Azure DevOps identity I take you for, and why.",
    examples=("whoami",),
    parse=no_arguments,
    run=run,
    aliases=("who am i",),
    is_changing=False,
)
