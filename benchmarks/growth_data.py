"""Two databases for ``benchmarks.growth``: what is asked for is the same, what lies around is not.

Both have one connection with 50 repositories in 10 projects, a channel that follows one of them,
and 40 open pull requests there, recorded by Pullcord itself. The grown one has 1,000,000 audit
entries (a chain that verifies), 100,000 pull requests with reviewers and cards, and 10,000
subscriptions besides, written straight into SQLite. What would rightly cost more is not added: more
open pull requests in the followed repository, or more channels that must be told of it.
"""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from bot.cards.view import dump_state
from bot.model import (
    Identity,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    SnapshotSource,
)
from bot.people import Standing, remember
from bot.ports import utc_now
from bot.reconcile import reconcile
from bot.recorded_rows import new_repository
from bot.recording import record_snapshot
from bot.teams_model import Conversation, ConversationKind, TeamsUser
from storage import audit
from storage.queries import connections, conversations, subscriptions
from storage.tables import Connection

AUDIT_ROWS = 1_000_000
PULL_REQUESTS = 100_000
SUBSCRIPTIONS = 10_000
CHANNELS = 2_000
REPOSITORIES = 50
PROJECTS = 10
OPEN_ONES = 40
FIRST_NUMBER = 1_000
AGES_AGO = datetime(2026, 1, 5, 9, tzinfo=UTC)
SERVICE_URL = "https://smba.trafficmanager.net/emea/"
TENANT = "5a3c1d2e-0000-4000-8000-00000000d3b0"
CONNECTION = "contoso"

MAYA = TeamsUser("29:maya", "Maya Sample", "aad-maya", "maya@example.com", TENANT)
CHANNEL = Conversation(
    "19:followed@thread.tacv2", ConversationKind.CHANNEL, SERVICE_URL, TENANT, "Web"
)
CHAT = Conversation("a:maya", ConversationKind.PERSONAL, SERVICE_URL, TENANT, "Maya Sample")
PEOPLE = tuple(
    Identity(f"{number:08d}-0000-4000-8000-000000000000", f"{name} Sample", f"{name}@example.com")
    for number, name in enumerate(("maya", "jonas", "priya"))
)


def repository(number: int) -> Repository:
    """One of the repositories; 0 is the followed one."""
    project = number % PROJECTS
    return Repository(
        id=f"{number:08d}-1111-4000-8000-000000000000",
        name=f"repository{number}",
        project_id=f"{project:08d}-2222-4000-8000-000000000000",
        project_name=f"Project{project}",
        default_branch="refs/heads/main",
    )


def snapshot(number: int, repository_number: int, as_of: datetime) -> PullRequestSnapshot:
    """A pull request as REST gives it at that time; each time it has another commit."""
    author, reviewer = PEOPLE[number % 2], PEOPLE[1 - number % 2]
    return PullRequestSnapshot(
        connection=CONNECTION,
        repository=repository(repository_number),
        number=number,
        title=f"Round the total {number} to whole cents",
        author=author,
        source_ref=f"refs/heads/topic/{number}",
        target_ref="refs/heads/main",
        status=PullRequestStatus.ACTIVE,
        as_of=as_of,
        source=SnapshotSource.REST,
        created_at=AGES_AGO,
        source_commit=f"{int(as_of.timestamp() * 1e6):040x}",
        reviewers=(Reviewer(reviewer), Reviewer(PEOPLE[2])),
    )


def fill_what_both_have(session: Session) -> None:
    """What the figures ask for."""
    connections.save(
        session,
        Connection(
            name=CONNECTION,
            base_url="https://dev.azure.com/contoso",
            projects=[f"Project{number}" for number in range(PROJECTS)],
            created_at=AGES_AGO - timedelta(days=1),
        ),
    )
    for place in (CHANNEL, CHAT):
        conversations.upsert(session, place, now=AGES_AGO)
        remember(session, place, MAYA, heard=Standing.MEMBER, now=utc_now())
    subscriptions.add(
        session,
        conversation_id=CHANNEL.id,
        connection=CONNECTION,
        project="Project0",
        repository="repository0",
        now=AGES_AGO - timedelta(hours=1),
    )
    for number in range(1, REPOSITORIES):
        session.add(new_repository(CONNECTION, repository(number)))
    for number in range(1, OPEN_ONES + 1):
        one = snapshot(number, 0, AGES_AGO)
        record_snapshot(session, one, cause="benchmark", now=AGES_AGO)


def grow(path: str) -> None:
    """Add what lies around, straight into the SQLite file."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA cache_size=-200000")
        _insert(db, "conversations", _channels())
        _insert(db, "subscriptions", _subscriptions())
        first_id = db.execute("SELECT max(id) FROM pull_requests").fetchone()[0] + 1
        _insert(db, "pull_requests", _pull_requests(first_id))
        _insert(db, "reviewers", _reviewers(first_id))
        _insert(db, "posted_cards", _cards(first_id))
        last = db.execute("SELECT digest FROM audit ORDER BY id DESC LIMIT 1").fetchone()
        _insert(db, "audit", _audit_entries(last[0] if last else ""))
    db.close()


def _insert(db: sqlite3.Connection, table: str, rows: Iterator[dict[str, object]]) -> None:
    first = next(rows)
    columns = ", ".join(first)
    values = ", ".join(f":{name}" for name in first)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"
    db.executemany(statement, itertools.chain([first], rows))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def _channels() -> Iterator[dict[str, object]]:
    for number in range(CHANNELS):
        yield {
            "id": f"19:channel{number}@thread.tacv2",
            "kind": "channel",
            "service_url": SERVICE_URL,
            "tenant_id": TENANT,
            "name": f"Channel {number}",
            "team_id": f"19:team{number // 5}@thread.tacv2",
            "team_name": "Team",
            "channel_id": "",
            "default_connection": "",
            "default_repository": "",
            "state": "active",
            "gone_reason": "",
            "created_at": _text(AGES_AGO),
        }


def _subscriptions() -> Iterator[dict[str, object]]:
    """Spread over all repositories but the followed one; some are to its project."""
    for number in range(SUBSCRIPTIONS):
        other = repository(1 + (number // CHANNELS * 7 + number) % (REPOSITORIES - 1))
        yield {
            "conversation_id": f"19:channel{number % CHANNELS}@thread.tacv2",
            "connection": CONNECTION,
            "project": other.project_name,
            "project_key": other.project_name.casefold(),
            "repository": other.name,
            "repository_key": other.name.casefold(),
            "target_branches": "[]",
            "drafts": "published",
            "options": "{}",
            "created_by": "",
            "created_at": _text(AGES_AGO),
        }


def _pull_requests(first_id: int) -> Iterator[dict[str, object]]:
    """All completed in the followed repository, one in thirty open in the others."""
    sample = reconcile(None, snapshot(0, 0, AGES_AGO)).state
    state = json.dumps(dump_state(sample))
    for number in range(PULL_REQUESTS):
        where = number % REPOSITORIES
        is_open = _is_open(number)
        yield {
            "id": first_id + number,
            "connection": CONNECTION,
            "number": FIRST_NUMBER + number,
            "repository_id": repository(where).id,
            "title": f"Pull request {number}",
            "status": "active" if is_open else "completed",
            "is_draft": False,
            "author_id": PEOPLE[2 if is_open else number % 3].id,
            "source_ref": f"refs/heads/topic/{number}",
            "target_ref": "refs/heads/main",
            "created_at": _text(AGES_AGO),
            "as_of": _text(AGES_AGO),
            "updated_at": _text(AGES_AGO),
            "needs_read": False,
            "checks": "null",
            "state": state,
        }


def _reviewers(first_id: int) -> Iterator[dict[str, object]]:
    """One in five was completed without the first one's vote; open ones wait for the other's."""
    for number in range(PULL_REQUESTS):
        is_open = _is_open(number)
        for place, person in enumerate((PEOPLE[number % 2], PEOPLE[2])):
            has_voted = not is_open if place else is_open or number % 5 > 0
            yield {
                "pull_request_id": first_id + number,
                "identity_id": person.id,
                "display_name": person.display_name,
                "vote": 10 if has_voted else 0,
                "required": False,
                "is_group": False,
                "is_open": is_open and not has_voted,
            }


def _is_open(number: int) -> bool:
    return number % REPOSITORIES > 0 and number % 30 == 0


def _cards(first_id: int) -> Iterator[dict[str, object]]:
    for number in range(PULL_REQUESTS):
        yield {
            "conversation_id": f"19:channel{number % CHANNELS}@thread.tacv2",
            "pull_request_id": first_id + number,
            "activity_id": str(number),
            "content_hash": "0" * 64,
            "thread_id": "",
        }


def _audit_entries(previous: str) -> Iterator[dict[str, object]]:
    for number in range(AUDIT_ROWS):
        entry = {
            "at": AGES_AGO,
            "actor": "Maya Sample <maya@example.com>",
            "action": "commits_pushed",
            "connection": CONNECTION,
            "subject": f"pull_request/{CONNECTION}/{number % (PULL_REQUESTS // 2)}",
            "before": None,
            "after": {"commit": f"{number:040x}"},
            "cause": f"webhook/{number}",
        }
        previous = audit._digest(previous, entry)
        yield {
            **entry,
            "at": _text(AGES_AGO),
            "before": "null",
            "after": json.dumps(entry["after"]),
            "digest": previous,
        }
