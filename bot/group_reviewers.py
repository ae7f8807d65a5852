"""Who reviews through a group: the one whose turn it is, or else all who are in it.

Reminders, nudges, digests and ``reviews`` go by this. Whether somebody wants to hear that a review
is asked for is a switch of its own and does not count here. Inside ``Database.read`` or ``write``.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session

from bot.notices.kinds import EventKind
from bot.notices.reasons import Role
from storage.queries import reviews

Asked = tuple[int, str]
"""A pull request by its id of ours, and a group by its identity id in lower case."""


@dataclass(frozen=True, slots=True)
class GroupReview:
    """A group that reviews a pull request (by its id of ours)."""

    pull_request_id: int
    connection: str
    group_id: str

    @property
    def key(self) -> Asked:
        """What it is found by."""
        return self.pull_request_id, self.group_id.lower()


def reviewers_through_groups(
    session: Session, asked: Collection[GroupReview]
) -> dict[Asked, frozenset[int]]:
    """The persons (ids) whose review is waited for because of each group.

    Who wrote the pull request or reviews it as himself is not among them. Of a group whose members
    were never read nobody is known.
    """
    ids = {each.pull_request_id for each in asked}
    members = reviews.people_of_groups(session, {(e.connection, e.group_id) for e in asked})
    themselves = reviews.people_in_person(session, ids)
    turns = _turns(session, ids)
    found: dict[Asked, frozenset[int]] = {}
    for each in asked:
        group = members.get((each.connection, each.group_id.lower()), frozenset())
        whose = group & turns.get(each.key, frozenset())
        found[each.key] = (whose or group) - themselves.get(each.pull_request_id, frozenset())
    return found


def _turns(session: Session, ids: Collection[int]) -> dict[Asked, frozenset[int]]:
    """Who was asked instead of the others; absent where all were asked, or nobody could be."""
    told = reviews.asked_for_groups(
        session, ids, kind=EventKind.REVIEW_ASKED.value, role=Role.GROUP_MEMBER.value
    )
    found: dict[Asked, frozenset[int]] = {}
    for pull_request_id, person_id, turn_of in told:
        if turn_of:
            key = (pull_request_id, turn_of.lower())
            found[key] = found.get(key, frozenset()) | {person_id}
    return found
