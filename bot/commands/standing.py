"""Who may give a command."""

from bot.commands.command import Command, CommandRefused
from bot.people import Standing

_REFUSALS = {
    Standing.GUEST: (
        "Guests can look, but “{name}” changes something. Please ask a member of the team to do it."
    ),
    Standing.NOT_A_MEMBER: (
        "You are not on this conversation's member list in Teams, so I cannot do “{name}” for you. "
        "If you have just been added, please try again in a minute."
    ),
    Standing.UNCONFIRMED: (
        "Teams does not tell me who you are at the moment, so I cannot do “{name}” for you. Please "
        "try again in a minute; if it stays so, ask your Teams administrator whether bots may see "
        "the member list."
    ),
}


def check_standing(command: Command, standing: Standing) -> None:
    """Let members do everything, guests and people not yet confirmed only look.

    Raises:
        CommandRefused: With the reason and the next step.
    """
    is_gone = standing is Standing.NOT_A_MEMBER
    may = standing is Standing.MEMBER or (not command.is_changing and not is_gone)
    if not may:
        raise CommandRefused(_REFUSALS[standing].format(name=command.name))
