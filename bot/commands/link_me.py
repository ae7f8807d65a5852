"""``link me as MAIL``: say who you are in Azure DevOps.

Granted at once when Teams' roster, asked at that moment, has the same mail for the asker. Anything
else is only a request, which an administrator confirms.
"""

import asyncio

from bot.cards.answers import Tone, command_button, escape, text_card
from bot.commands.choosing import load_known
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.failures import explain
from bot.commands.text import split_words
from bot.identities import is_account, look_up
from bot.identity_requests import Decision, Outcome, decide
from bot.people import Standing, ask_roster
from bot.ports import AzureDevOpsError
from bot.roles import Role
from bot.services import Services
from storage.queries import identities, people

TITLE = "Who you are in Azure DevOps"
LONGEST_ACCOUNT = 256


def parse(arguments: str) -> str:
    """The mail or account name.

    Raises:
        UsageError: If there is not exactly one.
    """
    words = [word.text for word in split_words(arguments)]
    if words and words[0].casefold() == "as":
        words = words[1:]
    if len(words) != 1 or len(words[0]) > LONGEST_ACCOUNT:
        raise UsageError("Say the mail that you have in Azure DevOps.")
    if "@" not in words[0] and "\\" not in words[0]:
        raise UsageError(f"“{words[0][:60]}” is not a mail (nor DOMAIN\\user).")
    return words[0]


async def run(invocation: Invocation, account: str) -> Reply:
    """Find the identity in each connection and grant it, or ask an administrator."""
    services = invocation.services
    user, standing = await ask_roster(services, invocation.conversation, invocation.sender)
    is_same_mail = standing is Standing.MEMBER and is_account(user.mail, account)
    found, troubles = await _find(invocation, account)
    if not found:
        if troubles:
            raise CommandRefused(f"I could not find who “{account}” is. {' '.join(troubles)}")
        raise CommandRefused(f"No Azure DevOps identity is called “{account}”. Check the spelling.")
    outcomes = [
        await _decide(invocation, connection, identity_id, is_same_mail=is_same_mail)
        for connection, identity_id in found
    ]
    lines = [f"{escape(each.connection)}: {_text(each)}" for each in outcomes]
    waits = any(each.outcome is Outcome.REQUESTED for each in outcomes)
    if waits:
        lines.append(_who_decides(len(services.administrators)))
    lines += [escape(trouble) for trouble in troubles]
    button = command_button("Who am I?", "whoami")
    return Reply((text_card(TITLE, lines, [button], Tone.NEUTRAL if waits else Tone.GOOD),))


async def _find(invocation: Invocation, account: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(connection, identity id) of every identity of that account; and what went wrong."""
    names = [row.name for row in (await load_known(invocation)).connections]
    answers = await asyncio.gather(
        *(_find_in(invocation.services, name, account) for name in names), return_exceptions=True
    )
    found: list[tuple[str, str]] = []
    troubles: list[str] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, AzureDevOpsError):
            troubles.append(f"{name}: {explain(answer)}")
        elif isinstance(answer, _Several):
            troubles.append(f"{name}: several are called so, and I do not choose.")
        elif isinstance(answer, BaseException):
            raise answer
        elif answer:
            found.append((name, answer))
    return found, troubles


class _Several(Exception):
    """More than one identity has the account name."""


async def _find_in(services: Services, connection: str, account: str) -> str:
    rows = await services.db.read(lambda s: identities.called(s, connection, account))
    here = [row.id for row in rows if not row.is_group]
    if len(here) > 1:
        raise _Several
    if here:
        return here[0]
    identity = await look_up(await services.azure_devops(connection), account)
    if identity is None:
        return ""
    stored = await services.db.write(lambda s: people.store_identity(s, connection, identity))
    return stored.id


async def _decide(
    invocation: Invocation, connection: str, identity_id: str, *, is_same_mail: bool
) -> Decision:
    now = invocation.services.clock()
    return await invocation.services.db.write(
        lambda s: decide(
            s,
            invocation.person,
            connection,
            identity_id,
            is_same_mail=is_same_mail,
            administrators=invocation.services.administrators,
            cause=invocation.cause,
            now=now,
        )
    )


def _text(decision: Decision) -> str:
    who = f"**{escape(decision.display_name)}** ({escape(decision.unique_name)})"
    if decision.outcome is Outcome.IS_ALREADY:
        return f"you are {who} already"
    if decision.outcome is Outcome.GRANTED:
        return f"you are now {who}, because Teams has the same mail for you"
    return f"your wish to be {who} waits for an administrator"


def _who_decides(administrators: int) -> str:
    if administrators:
        return "Teams has another mail for you, so an administrator of Pullcord has to confirm it."
    return (
        "Teams has another mail for you, so an administrator has to confirm it, and none is set: "
        "an operator sets PULLCORD\\_ADMINISTRATORS."
    )


COMMAND = Command(
    name="link me",
    usage="link me as MAIL",
    summary="Say who you are in Azure DevOps, when your mail there differs from Teams.",
    examples=("link me as maya@example.com",),
    parse=parse,
    run=run,
    aliases=("link me as", "i am"),
    is_slow=True,
    role=Role.READER,
)
