"""What the asker has to do with a pull request."""

from dataclasses import dataclass

from sqlmodel import Session

from bot.cards.view import load_state
from bot.commands.command import Invocation
from bot.notices.kinds import EventKind
from bot.notices.reasons import Role
from storage.queries import identities, pull_requests, reviews, subscriptions


@dataclass(frozen=True, slots=True)
class Standing:
    """The role, None if there is none, and a plain sentence with more of it."""

    role: Role | None
    because: str
    kind: EventKind | None = None


async def standing_of(invocation: Invocation, key: str) -> Standing:
    """The weightiest of the asker's roles in ``connection/NUMBER``; "" has none."""
    return await invocation.services.db.read(lambda s: _standing(s, invocation, key))


def _standing(session: Session, invocation: Invocation, key: str) -> Standing:
    connection, _, number = key.rpartition("/")
    row = pull_requests.by_number(session, connection, int(number)) if connection else None
    if row is None:
        return Standing(None, "")
    state = load_state(row)
    own = identities.ids_of_person(session, invocation.person.id or 0, connection)
    for reviewer in state.reviewers:
        if reviewer.identity.id in own:
            needed = "Your approval is required." if reviewer.required else ""
            return Standing(Role.REVIEWER, needed, EventKind.REVIEW_ASKED)
    if state.author.id in own:
        return Standing(Role.AUTHOR, "")
    for reviewer in state.reviewers:
        members = reviews.group_members(session, connection, reviewer.identity.id)
        if members is not None and own & set(members.members):
            name = reviewer.identity.display_name
            return Standing(Role.GROUP_MEMBER, f"The group is {name}.", EventKind.REVIEW_ASKED)
    if subscriptions.of_conversation(session, invocation.conversation.id):
        return Standing(Role.SUBSCRIBER, "")
    return Standing(None, "")
