"""Who could review in a repository: configured or recent reviewers, and who is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.model import Identity, PullRequestSnapshot
from bot.ownership import own_account, remember_own_account
from bot.ports import AzureDevOps
from bot.reviewer_choice import Candidate, reviewers_of
from bot.services import Services
from bot.workflows.place import Place
from storage.tables import (
    IdentityRow,
    Person,
    PullRequestRow,
    RepositoryRow,
    ReviewerRow,
)
from storage.tables.work import REVIEW_IS_OPEN

RECENT_PULL_REQUESTS = 50


@dataclass(frozen=True, slots=True)
class ReviewerPool:
    """``excluded`` are identity ids in lower case: people away or gone, and ourselves."""

    candidates: tuple[Candidate, ...]
    excluded: frozenset[str]


async def reviewer_pool(
    services: Services,
    azure: AzureDevOps,
    place: Place,
    active: Sequence[PullRequestSnapshot],
) -> ReviewerPool:
    """The candidates of a repository. Raises AzureDevOpsError when it must ask who we are."""
    now = services.clock()
    listed = reviewers_of(active)
    candidates, unavailable = await services.db.read(
        lambda s: _load(s, place.repository, listed, now)
    )
    if not candidates:
        return ReviewerPool((), frozenset())
    own = await own_identity(services, azure)
    return ReviewerPool(candidates, unavailable | {own.lower()})


async def own_identity(services: Services, azure: AzureDevOps) -> str:
    """Our account's identity id, asked once per connection and remembered."""
    name = azure.connection
    known = await services.db.read(lambda s: own_account(s, name))
    if known:
        return known
    found = await azure.who_am_i()
    await services.db.write(lambda s: remember_own_account(s, name, found))
    return found.id


def _load(
    session: Session, repository: RepositoryRow, listed: Sequence[Identity], now: datetime
) -> tuple[tuple[Candidate, ...], frozenset[str]]:
    names = _configured(session, repository) or {
        **_recent(session, repository),
        **{each.id: each.display_name for each in listed},
    }
    elsewhere = _open_elsewhere(session, repository, list(names))
    candidates = tuple(
        Candidate(identity, name, elsewhere.get(identity, 0)) for identity, name in names.items()
    )
    return candidates, _unavailable(session, repository.connection, list(names), now)


def _configured(session: Session, repository: RepositoryRow) -> dict[str, str]:
    row = session.get(RepositoryRow, (repository.connection, repository.id))
    names = {}
    for identity_id in row.reviewers if row else ():
        identity = session.get(IdentityRow, (repository.connection, identity_id))
        names[identity_id] = identity.display_name if identity else identity_id
    return names


def _recent(session: Session, repository: RepositoryRow) -> dict[str, str]:
    newest = (
        select(PullRequestRow.id)
        .where(
            PullRequestRow.connection == repository.connection,
            PullRequestRow.repository_id == repository.id,
        )
        .order_by(col(PullRequestRow.number).desc())
        .limit(RECENT_PULL_REQUESTS)
    )
    rows = session.exec(
        select(ReviewerRow.identity_id, ReviewerRow.display_name).where(
            col(ReviewerRow.pull_request_id).in_(newest), col(ReviewerRow.is_group).is_(False)
        )
    ).all()
    return dict(rows)


def _open_elsewhere(
    session: Session, repository: RepositoryRow, identity_ids: Sequence[str]
) -> dict[str, int]:
    rows = session.exec(
        select(ReviewerRow.identity_id, func.count())
        .join(PullRequestRow, col(PullRequestRow.id) == ReviewerRow.pull_request_id)
        .where(
            PullRequestRow.connection == repository.connection,
            PullRequestRow.repository_id != repository.id,
            col(ReviewerRow.identity_id).in_(identity_ids),
            REVIEW_IS_OPEN,
        )
        .group_by(ReviewerRow.identity_id)
    ).all()
    return dict(rows)


def _unavailable(
    session: Session, connection: str, identity_ids: Sequence[str], now: datetime
) -> frozenset[str]:
    rows = session.exec(
        select(IdentityRow.id, Person.away_until, Person.removed_at)
        .join(Person, col(Person.id) == IdentityRow.person_id)
        .where(IdentityRow.connection == connection, col(IdentityRow.id).in_(identity_ids))
    ).all()
    return frozenset(
        identity.lower()
        for identity, away_until, removed_at in rows
        if removed_at is not None or (away_until is not None and away_until > now)
    )
