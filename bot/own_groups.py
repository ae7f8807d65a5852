"""The reviews that wait for somebody because a group that he is in was asked.

Digests and the command ``reviews`` list the same ones. Inside ``Database.read`` or ``write``.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlmodel import Session

from bot.notices.kinds import EventKind
from bot.notices.reasons import Role
from storage.queries import pull_request_lists, reviews
from storage.queries.pull_request_lists import ListedPullRequest

MOST_READ = 500
"""Reviews of somebody's groups that are looked at for one list."""

Asked = tuple[int, str]
"""A pull request by its id of ours, and a group by its identity id."""


def waiting_for_him(
    session: Session, person_id: int, asked_of_his_groups: Collection[Asked]
) -> frozenset[Asked]:
    """Those that wait for him too, groups in lower case: not those that are another's turn.

    Where all members were asked, or nobody could be, it is everybody's who is in the group, also
    his who was not told of it.
    """
    turns: dict[Asked, set[int]] = {}
    told = reviews.asked_for_groups(
        session,
        {pull_request_id for pull_request_id, _ in asked_of_his_groups},
        kind=EventKind.REVIEW_ASKED.value,
        role=Role.GROUP_MEMBER.value,
    )
    for pull_request_id, whose, turn_of in told:
        if turn_of:
            turns.setdefault((pull_request_id, turn_of.lower()), set()).add(whose)
    wanted = {(pull_request_id, group.lower()) for pull_request_id, group in asked_of_his_groups}
    return frozenset(each for each in wanted if person_id in turns.get(each, {person_id}))


def list_waiting(
    session: Session, person_id: int, identities: Sequence[tuple[str, str]], *, limit: int
) -> list[ListedPullRequest]:
    """What waits for the vote of these identities (connection, id) of his, or of their groups.

    Each pull request once, in person first; what was asked first is first.
    """
    in_person = pull_request_lists.list_awaiting_vote(session, identities, limit=limit)
    of_groups = pull_request_lists.list_awaiting_vote(
        session, reviews.groups_of(session, identities), limit=MOST_READ, not_by=identities
    )
    his = waiting_for_him(session, person_id, [(e.id, e.reviewer_id) for e in of_groups])
    found: dict[int, ListedPullRequest] = {}
    for each in in_person:  # somebody may be asked under two identities
        found.setdefault(each.id, replace(each, reviewer_name=""))
    for each in of_groups:
        if (each.id, each.reviewer_id.lower()) in his:
            found.setdefault(each.id, each)
    return sorted(found.values(), key=lambda each: (each.since, each.id))[:limit]
