"""Deciding who hears of one change, among 10,000 subscriptions and 5,000 people.

One organisation of 50 projects with 20 repositories each, in both databases. In the small one 100
subscriptions and 50 people, in the large one 10,000 and 5,000. Three of four subscriptions are to
one repository, one of eight to a whole project, one of eight to repositories by wildcard; they
filter by target, author, title, path, label, reviewer, in turn, and one of five by nothing. So some
sixty are in reach of a change, and half of them want it.

Measured is what recording does for a change before anything is queued: reading who may be told
(``load_situation``) and deciding (``route``), for votes on pull requests of many repositories, in
one transaction of the product's own database. Both databases take turns.

The ratio is goal/measured of what misses its goal most: 2 ms at 10,000 subscriptions, and at most
3 times the time of 100.
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from benchmarks import report
from bot.audience import load_situation
from bot.changes import VoteCast
from bot.model import (
    Identity,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    SnapshotSource,
    Vote,
)
from bot.notices.model import Notice
from bot.notices.routing import route
from bot.pull_request_state import PullRequestState
from bot.reconcile import reconcile
from bot.recorded_rows import store_pull_request
from storage import schema
from storage.engine import Database
from storage.queries import radar, routing
from storage.tables import (
    Connection,
    ConversationRow,
    IdentityRow,
    Person,
    PostedCard,
    PullRequestRow,
    RepositoryRow,
    Subscription,
)

CONNECTION = "contoso"
PROJECTS, REPOSITORIES = 50, 20
PULL_REQUESTS = 50
SMALL, LARGE = (100, 50), (10_000, 5_000)
TURNS, WARM_UP = 200, 20
GOAL_MS, GROWTH = 2.0, 3.0
_AREAS = ("pay", "search", "basket", "account", "mail", "stock", "web", "api")
_LABELS = ("urgent", "security", "design", "docs", "tests")
START = datetime(2026, 11, 2, tzinfo=UTC)
NOW = START + timedelta(days=1)


def filters(number: int) -> dict[str, object]:
    """What one subscription filters by; some of each pass."""
    choices: tuple[dict[str, object], ...] = (
        {"author": [f"Sample {number % 50}", "!Sample 1*"]},
        {"title": [f"hotfix {number % 20}"]},
        {"path": [f"services/{_AREAS[number % len(_AREAS)]}/**", "!**/*.md"]},
        {"label": [_LABELS[number % len(_LABELS)], "!wip"]},
        {"reviewer": [f"Sample {number % 10}?"], "min_files": number % 40},
        {"source": [f"feature/{number % 10}*"]},
    )
    return choices[number % len(choices)]


def fill(session: Session, subscriptions: int, people: int) -> None:
    """The organisation, its people, and who follows what."""
    session.add(
        Connection(name=CONNECTION, base_url="https://dev.azure.com/contoso", created_at=START)
    )
    session.flush()
    for number in range(PROJECTS * REPOSITORIES):
        project = number // REPOSITORIES
        session.add(
            RepositoryRow(
                connection=CONNECTION,
                id=f"repository-{number}",
                name=f"service-{number % REPOSITORIES}",
                project_id=f"project-{project}",
                project_name=f"Project {project}",
            )
        )
    _people(session, people)
    _subscriptions(session, subscriptions)
    for number in range(PULL_REQUESTS):
        _pull_request(session, number, people)


def _people(session: Session, people: int) -> None:
    for number in range(people):
        chat = f"chat-{number}"
        session.add(_conversation(chat, "personal"))
        session.add(
            Person(
                id=number + 1,
                teams_user_id=f"29:{number}",
                name=f"Sample {number}",
                mail=f"sample.{number}@example.com",
                personal_conversation_id=chat,
            )
        )
    session.flush()
    for number in range(people):
        session.add(
            IdentityRow(
                connection=CONNECTION,
                id=f"identity-{number}",
                display_name=f"Sample {number}",
                unique_name=f"sample.{number}@example.com",
                person_id=number + 1,
            )
        )


def _subscriptions(session: Session, count: int) -> None:
    for number in range(count):
        session.add(_conversation(f"channel-{number}", "channel"))
    session.flush()
    for number in range(count):
        repository = number * 7 % (PROJECTS * REPOSITORIES)
        wanted = f"service-{repository % REPOSITORIES}"
        kind = number % 8
        has_filters = number % 5 != 0
        session.add(
            Subscription(
                conversation_id=f"channel-{number}",
                connection=CONNECTION,
                project=f"Project {repository // REPOSITORIES}",
                repository="" if kind == 6 else "service-*" if kind == 7 else wanted,
                target_branches=["release/*", "!release/old"] if number % 3 == 0 else [],
                options={"filters": filters(number)} if has_filters else {},
                created_at=START,
            )
        )


def _conversation(conversation_id: str, kind: str) -> ConversationRow:
    return ConversationRow(
        id=conversation_id,
        kind=kind,
        service_url="https://smba.example/teams",
        tenant_id="t",
        created_at=START,
    )


def _pull_request(session: Session, number: int, people: int) -> None:
    snapshot = _snapshot(number, people)
    found = reconcile(None, snapshot)
    row = store_pull_request(session, None, found, snapshot, now=NOW)
    files = [f"/services/pay/part-{each}.py" for each in range(20)]
    commit, target = snapshot.source_commit, snapshot.target_ref
    radar.keep_files(session, CONNECTION, commit, target, files, now=NOW)
    routing.keep_labels(session, CONNECTION, number, ["urgent"], now=NOW)
    session.add(
        PostedCard(conversation_id="channel-0", pull_request_id=row, activity_id=f"1-{number}")
    )


def _snapshot(number: int, people: int) -> PullRequestSnapshot:
    repository = number * 37 % (PROJECTS * REPOSITORIES)
    project = repository // REPOSITORIES
    return PullRequestSnapshot(
        connection=CONNECTION,
        repository=Repository(
            f"repository-{repository}",
            f"service-{repository % REPOSITORIES}",
            f"project-{project}",
            f"Project {project}",
        ),
        number=number,
        title=f"Hotfix {number}",
        author=_identity(number % people),
        source_ref=f"refs/heads/feature/{number}",
        target_ref="refs/heads/release/1",
        status=PullRequestStatus.ACTIVE,
        as_of=NOW,
        source=SnapshotSource.REST,
        created_at=NOW,
        source_commit=f"{number:040x}",
        reviewers=tuple(Reviewer(_identity((number + each) % people)) for each in range(1, 4)),
    )


def _identity(number: int) -> Identity:
    return Identity(f"identity-{number}", f"Sample {number}", f"sample.{number}@example.com")


def decide(
    session: Session, row: PullRequestRow, before: PullRequestState, turn: int
) -> tuple[Notice, ...]:
    """What recording a vote decides."""
    voter = before.reviewers[0]
    after = replace(before, reviewers=(replace(voter, vote=Vote.APPROVED), *before.reviewers[1:]))
    change = VoteCast(f"vote:{turn}", voter.identity, Vote.NONE, Vote.APPROVED)
    situation = load_situation(session, row.id or 0, before, after, (change,), actor="")
    return route((change,), situation)


def timed(session: Session, people: int, turn: int) -> tuple[float, int, int]:
    """Seconds of one decision, how many conversations and people it tells, and a mark of it."""
    number = turn % PULL_REQUESTS
    state = reconcile(None, _snapshot(number, people)).state
    row = session.get_one(PullRequestRow, number + 1)
    began = time.perf_counter()
    notices = decide(session, row, state, turn)
    return time.perf_counter() - began, len(notices), number


async def measure(folder: Path) -> dict[str, tuple[list[float], int]]:
    """Seconds of each turn, and notices on average, by the size of the database."""
    found: dict[str, tuple[list[float], int]] = {}
    opened = []
    for name, (subscriptions, people) in (("small", SMALL), ("large", LARGE)):
        url = f"sqlite:///{folder / name}.db"
        schema.upgrade(url)
        db = Database.open(url)
        await db.write(lambda s, n=subscriptions, p=people: fill(s, n, p))  # type: ignore[misc]  # mypy has no types for a lambda's defaults
        opened.append((name, db, people))
    times: dict[str, list[float]] = {name: [] for name, _, _ in opened}
    told: dict[str, int] = dict.fromkeys(times, 0)
    for turn in range(TURNS + WARM_UP):
        for name, db, people in opened if turn % 2 else opened[::-1]:
            seconds, notices, _ = await db.read(lambda s, p=people, t=turn: timed(s, p, t))  # type: ignore[misc]  # as above
            if turn >= WARM_UP:
                times[name].append(seconds)
                told[name] += notices
    for name, db, _ in opened:
        await db.close()
        found[name] = (times[name], told[name] // TURNS)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    print(f"one decision, median and 95th of 100 of {TURNS} turns; {report.machine()}")
    medians = {name: statistics.median(times) * 1000 for name, (times, _) in found.items()}
    report.table(
        ("subscriptions", "people", "median ms", "95 % ms", "notices"),
        [
            (
                f"{subscriptions:,}",
                f"{people:,}",
                f"{medians[name]:.2f}",
                f"{statistics.quantiles(found[name][0], n=20)[-1] * 1000:.2f}",
                found[name][1],
            )
            for name, (subscriptions, people) in (("small", SMALL), ("large", LARGE))
        ],
    )
    growth = medians["large"] / medians["small"]
    print(f"{growth:.2f} times as long with 100 times the subscriptions, goal {GROWTH:g}")
    report.finish(min(GOAL_MS / medians["large"], GROWTH / growth), 1.0)


if __name__ == "__main__":
    main()
