"""Whether something that waited is no news any more when it could be told."""

from sqlmodel import Session

from bot.cards.view import PullRequestView
from bot.held_item import CONFLICT_OVER, PAIR_OVER, Item
from bot.model import Vote
from bot.notices.kinds import EventKind
from bot.notices.readiness import is_ready
from bot.notices.reasons import Role
from bot.pull_request_state import PullRequestState
from storage.queries import conflicts, recording
from storage.tables import HeldNotice, RadarPair


def why_over(
    session: Session, person_id: int, row: HeldNotice, item: Item, view: PullRequestView | None
) -> str:
    """Why this need not be told to the person any more, "" if it must be."""
    if item.is_own_doing:
        return "all of it is the person's own doing"
    if view is None:
        return ""
    state = view.state
    match EventKind(row.kind):
        case EventKind.REVIEW_ASKED:
            return _review_over(session, person_id, item, state)
        case EventKind.READY if view.has_conflicts or not is_ready(state):
            return "it is not ready any more"
        case EventKind.CONFLICT if item.episode_id is not None:
            episode = conflicts.get(session, item.episode_id)
            return CONFLICT_OVER if episode is None or episode.ended_at else ""
        case EventKind.CONFLICT if item.radar_pair_id is not None:
            pair = session.get(RadarPair, item.radar_pair_id)
            return PAIR_OVER if pair is None or pair.ended_at else ""
    return ""


def _review_over(session: Session, person_id: int, item: Item, state: PullRequestState) -> str:
    if not state.is_active or state.is_draft:
        return "the pull request does not wait for reviews any more"
    if item.role is not Role.REVIEWER:
        return ""
    ids = {reviewer.identity.id for reviewer in state.reviewers}
    own = {
        found.identity_id
        for found in recording.people_of(session, state.connection, ids)
        if found.person_id == person_id
    }
    mine = [reviewer for reviewer in state.reviewers if reviewer.identity.id in own]
    if not mine:
        return "the person is no reviewer any more"
    is_first = item.with_card  # who is asked again has voted before
    has_voted = any(
        reviewer.vote is not Vote.NONE if is_first else reviewer.vote > Vote.NONE
        for reviewer in mine
    )
    return "the person has voted" if has_voted else ""
