"""Which pairs are on the radar and which are tried: nothing missed, nothing tried twice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.conflicts.radar import (
    DIGEST_ONLY,
    OFF,
    ON,
    Overlap,
    RadarEntry,
    conflicting,
    in_order,
    mode_of,
    overlaps,
    plan,
)
from bot.model import MergeStatus

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PATHS = [f"/{name}" for name in "abcdef"]


def entry(number: int, *, commit: str = "", minutes: int = 0, **values: str) -> RadarEntry:
    return RadarEntry(
        id=number,
        number=number,
        repository_id=values.get("repository", "shop"),
        target_ref=values.get("target", "refs/heads/main"),
        source_commit=commit or f"{number:040x}",
        updated_at=START + timedelta(minutes=minutes),
    )


ENTRIES = st.lists(
    st.builds(
        lambda number, commit, minutes, repository, target: entry(
            number, commit=f"{commit:040x}", minutes=minutes, repository=repository, target=target
        ),
        st.integers(1, 40),
        st.integers(1, 12),
        st.integers(0, 5),
        st.sampled_from(["shop", "api"]),
        st.sampled_from(["refs/heads/main", "refs/heads/next"]),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)
FILES = st.lists(st.frozensets(st.sampled_from(PATHS), max_size=3), min_size=12, max_size=12)
STATUSES = st.sampled_from(list(MergeStatus))


def found_in(entries: list[RadarEntry], files: list[frozenset[str]]) -> list[Overlap]:
    return list(overlaps(entries, {e.id: f for e, f in zip(entries, files, strict=False)}))


@given(ENTRIES, FILES)
def test_exactly_the_pairs_of_one_target_that_share_a_file_are_found(
    entries: list[RadarEntry], files: list[frozenset[str]]
) -> None:
    by_id = {e.id: f for e, f in zip(entries, files, strict=False)}
    wanted = {
        (one.id, other.id)
        for one in entries
        for other in entries
        if one.number < other.number
        and (one.repository_id, one.target_ref) == (other.repository_id, other.target_ref)
        and one.source_commit != other.source_commit
        and by_id[one.id] & by_id[other.id]
    }
    found = overlaps(entries, by_id)
    assert {pair.key for pair in found} == wanted
    assert len(found) == len(wanted)
    assert all(set(pair.files) == by_id[pair.first.id] & by_id[pair.second.id] for pair in found)


@given(ENTRIES, FILES, st.randoms(use_true_random=False))
def test_the_order_is_newest_first_whatever_the_order_they_come_in(
    entries: list[RadarEntry], files: list[frozenset[str]], shuffler: object
) -> None:
    by_id = {e.id: f for e, f in zip(entries, files, strict=False)}
    found = overlaps(entries, by_id)
    shuffled = list(entries)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert overlaps(shuffled, by_id) == found
    newest = [max(pair.first.updated_at, pair.second.updated_at) for pair in found]
    assert newest == sorted(newest, reverse=True)


@given(ENTRIES, FILES, st.data(), st.integers(-2, 10))
def test_a_plan_keeps_the_budget_and_asks_each_unknown_merge_once(
    entries: list[RadarEntry], files: list[frozenset[str]], data: st.DataObject, room: int
) -> None:
    found = found_in(entries, files)
    commits = sorted({pair.commits for pair in found})
    known = data.draw(st.sets(st.sampled_from(commits)) if commits else st.just(set()))
    outcomes = {pair: data.draw(STATUSES) for pair in sorted(known)}
    made = plan(found, outcomes, room=room)
    asked = [pair.commits for pair in made.to_check]
    assert len(asked) == len(set(asked))
    assert len(asked) <= max(room, 0)
    assert not set(asked) & known
    assert len(asked) + made.unchecked == len(set(commits) - known)
    order = [found.index(pair) for pair in made.to_check]
    assert order == sorted(order)
    if made.unchecked:
        assert len(asked) == max(room, 0)


def test_only_a_conflict_conflicts() -> None:
    one, other = entry(1), entry(2)
    pair = Overlap(one, other, ("/a",))
    for status in MergeStatus:
        is_conflict = status is MergeStatus.CONFLICTS
        assert bool(conflicting([pair], {pair.commits: status})) is is_conflict
    assert conflicting([pair], {}) == []


@given(st.text(max_size=5), st.text(max_size=5))
def test_two_commits_have_one_order(one: str, other: str) -> None:
    assert in_order(one, other) == in_order(other, one) == tuple(sorted((one, other)))


def test_the_most_wishing_subscription_decides() -> None:
    assert mode_of([OFF, DIGEST_ONLY, ON]) == ON
    assert mode_of([OFF, DIGEST_ONLY]) == DIGEST_ONLY
    assert mode_of([OFF]) == mode_of([]) == OFF
