"""Who may change what a conversation follows: its members, or owners only where it is set so.

Teams does not tell bots who owns a team ("Get members" knows users and guests only). So whoever
added the app to the team counts as its owner, and so do PULLCORD_ADMINISTRATORS. Everybody may
always change what his own chat follows.
"""

from email.utils import parseaddr

from sqlmodel import Session

from bot.commands.command import CommandRefused, Invocation
from bot.teams_model import ConversationKind
from storage.queries import installers

MEMBERS, OWNERS = "members", "owners"

REFUSAL = (
    "Only owners may change what this channel follows: those who added me to the team, and "
    "Pullcord's administrators. Ask {who}. You may subscribe in your personal chat with me."
)
NOBODY = "an administrator of Pullcord"


async def check_may_subscribe(invocation: Invocation) -> None:
    """Let owners only change a channel's subscriptions, where the administrator says so.

    Raises:
        CommandRefused: with whom to ask.
    """
    services = invocation.services
    is_channel = invocation.conversation.kind is ConversationKind.CHANNEL
    if not is_channel or services.channel_subscribers != OWNERS:
        return
    mail = invocation.person.mail
    owners = await services.db.read(lambda s: _owners(s, invocation))
    if mail and (mail in services.administrators or mail in owners):
        return
    names = [name for name in owners.values() if name]
    raise CommandRefused(REFUSAL.format(who=", ".join(names[:3]) or NOBODY))


def _owners(session: Session, invocation: Invocation) -> dict[str, str]:
    """Names by mail (lower case) of those who added the app to the team."""
    row = invocation.conversation_row
    actors = installers.who_added(session, row.id, row.team_id)
    pairs = [parseaddr(actor) for actor in actors]
    return {mail.lower(): name for name, mail in pairs if mail}
