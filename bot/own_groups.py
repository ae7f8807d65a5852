"""The reviews that wait for somebody, also because a group that he is in was asked.

Digests and the command ``reviews`` list the same ones. Inside ``Database.read`` or ``write``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from bot.group_reviewers import Asked, GroupReview, reviewers_through_groups
from storage.queries import pull_request_lists, reviews
from storage.queries.pull_request_lists import ListedPullRequest

MOST_READ = 500
"""Reviews of somebody's groups that are looked at for one list."""


@dataclass(frozen=True, slots=True)
class WaitingList:
    """What waits for somebody's vote; ``is_whole``: everything was looked at."""

    found: Sequence[ListedPullRequest]
    is_whole: bool


def waiting_for_him(
    session: Session, person_id: int, asked_of_his_groups: Collection[GroupReview]
) -> frozenset[Asked]:
    """Those that wait for him too: not those that are another's turn."""
    found = reviewers_through_groups(session, asked_of_his_groups)
    return frozenset(key for key, people in found.items() if person_id in people)


def list_waiting(
    session: Session,
    person_id: int,
    identities: Sequence[tuple[str, str]],
    *,
    limit: int,
    most_read: int = MOST_READ,
) -> WaitingList:
    """What waits for the vote of these identities (connection, id) of his, or of their groups.

    Each pull request once, in person first; what was asked first is first. At most ``limit`` in
    person, and ``most_read`` of groups, are looked at.
    """
    in_person = pull_request_lists.list_awaiting_vote(session, identities, limit=limit)
    of_groups = pull_request_lists.list_awaiting_vote(
        session, reviews.groups_of(session, identities), limit=most_read + 1, not_by=identities
    )
    asked = [GroupReview(e.id, e.connection, e.reviewer_id) for e in of_groups[:most_read]]
    his = waiting_for_him(session, person_id, asked)
    found: dict[int, ListedPullRequest] = {}
    for each in in_person:  # somebody may be asked under two identities
        found.setdefault(each.id, replace(each, reviewer_name=""))
    for each in of_groups[:most_read]:
        if (each.id, each.reviewer_id.lower()) in his:
            found.setdefault(each.id, each)
    ordered = sorted(found.values(), key=lambda each: (each.since, each.id))
    return WaitingList(ordered[:limit], is_whole=len(of_groups) <= most_read)
