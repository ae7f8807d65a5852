"""Checks of a pull request: statuses and policies made one, and what is news about them. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.changes import ChecksFailed, ChecksFixed
from bot.model import Check, CheckKind

FAILED = frozenset({"failed", "error"})
RUNNING = frozenset({"pending", "notSet"})
OWN_STATUS = "pullcord/mergeable"
"""Our own status says of conflicts what is told anyway."""

_KINDS = tuple(CheckKind)

FRESH = timedelta(minutes=10)
SOON = timedelta(minutes=1)
RUNS_LONG = timedelta(minutes=30)
LATER = timedelta(minutes=5)
FORGOTTEN = timedelta(hours=6)
SELDOM = timedelta(minutes=30)

CheckKey = tuple[str, str]
"""(name, kind)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed and was not seen to succeed since.

    ``run`` is the run that failed last, ``source_commit`` the tip for which it was told.
    """

    run: str
    source_commit: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What is failing now, and what of it is news."""

    failures: Mapping[CheckKey, Failure]
    changes: tuple[ChecksFailed | ChecksFixed, ...] = ()


def key_of(check: Check) -> CheckKey:
    """What tells one check of a pull request from another."""
    return check.name, check.kind.value


def is_failed(check: Check) -> bool:
    """Whether a machine's verdict is bad. Policies that wait for people never fail, they wait."""
    return check.kind is not CheckKind.POLICY and check.state in FAILED


def is_running(check: Check) -> bool:
    """Whether a machine's verdict is still to come."""
    return check.kind is not CheckKind.POLICY and check.state in RUNNING


def merged(
    statuses: Sequence[Check] | None, policies: Sequence[Check] | None, stored: Sequence[Check]
) -> tuple[Check, ...]:
    """Statuses and policies as one list, in a steady order.

    A policy that waits for a status is that status: it knows whether it is blocking, and whether
    it must be posted anew for newer commits. None: not read, so what is ``stored`` stays.
    """
    by_name = {check.name: check for check in _taken(statuses, stored, of_statuses=True)}
    others: list[Check] = []
    for policy in _taken(policies, stored, of_statuses=False):
        if policy.kind is not CheckKind.STATUS:
            others.append(policy)
            continue
        status = by_name.get(policy.name)
        by_name[policy.name] = (
            replace(status, state=policy.state, is_blocking=policy.is_blocking)
            if status is not None
            else policy
        )
    if policies is None:
        by_name = _as_blocking_as_before(by_name, stored)
    found = {key_of(check): check for check in (*by_name.values(), *others)}
    return tuple(sorted(found.values(), key=lambda each: (_KINDS.index(each.kind), each.name)))


def _taken(
    read: Sequence[Check] | None, stored: Sequence[Check], *, of_statuses: bool
) -> Sequence[Check]:
    if read is not None:
        return read
    return [each for each in stored if (each.kind is CheckKind.STATUS) is of_statuses]


def _as_blocking_as_before(found: Mapping[str, Check], stored: Sequence[Check]) -> dict[str, Check]:
    blocking = {each.name for each in stored if each.is_blocking}
    return {
        name: replace(check, is_blocking=True) if name in blocking else check
        for name, check in found.items()
    }


def judge(
    failures: Mapping[CheckKey, Failure],
    checks: Sequence[Check],
    *,
    source_commit: str,
    now: datetime,
) -> Judged:
    """Compare what had failed with what the checks say now.

    A failure is news once for each tip of the source branch: a run that is started again and fails
    again is not. A status from before a push is no verdict on what was pushed. While a check runs
    again, it is neither failed nor fixed. One that is not there any more is forgotten.
    """
    after: dict[CheckKey, Failure] = {}
    new: list[Check] = []
    again: list[Check] = []
    fixed: list[Check] = []
    for check in checks:
        key = key_of(check)
        known = failures.get(key)
        if check.name == OWN_STATUS:
            continue
        if is_failed(check):
            after[key] = _failure(known, check, source_commit, now)
            if known is None:
                new.append(check)
            elif known.run != check.run and known.source_commit != source_commit:
                again.append(check)
        elif known is not None and is_running(check):
            after[key] = known
        elif known is not None:
            fixed.append(check)
    changes: list[ChecksFailed | ChecksFixed] = []
    for found, is_again in ((new, False), (again, True)):
        if found:
            changes.append(_failed(found, is_again=is_again))
    if fixed and not after:
        changes.append(ChecksFixed(_id("checks-fixed", fixed), _names(fixed)))
    return Judged(after, tuple(changes))


def next_look(
    checks: Sequence[Check],
    *,
    is_active: bool,
    pushed_at: datetime,
    changed_at: datetime,
    now: datetime,
) -> datetime | None:
    """When the checks are worth asking for again; None for a closed pull request.

    Soon while something runs, less often the longer it does; a while after a push also when
    nothing runs yet.
    """
    if not is_active:
        return None
    quiet_for = now - max(changed_at, pushed_at)
    if any(is_running(check) for check in checks):
        if quiet_for < RUNS_LONG:
            return now + SOON
        return now + (LATER if quiet_for < FORGOTTEN else SELDOM)
    return now + (2 * SOON if quiet_for < FRESH else SELDOM)


def _failure(known: Failure | None, check: Check, source_commit: str, now: datetime) -> Failure:
    if known is None:
        return Failure(check.run, source_commit, now)
    if known.run == check.run:
        return known
    return replace(known, run=check.run, source_commit=source_commit)


def _failed(checks: Sequence[Check], *, is_again: bool) -> ChecksFailed:
    pages = [check.target_url for check in sorted(checks, key=lambda each: each.name)]
    run_url = next((page for page in pages if page), "")
    return ChecksFailed(_id("checks-failed", checks), _names(checks), is_again, run_url)


def _names(checks: Sequence[Check]) -> tuple[str, ...]:
    return tuple(sorted(check.name for check in checks))


def _id(kind: str, checks: Sequence[Check]) -> str:
    """Made of the runs that say it, which no other finding is made of."""
    runs = "\n".join(sorted(f"{check.kind}/{check.name}/{check.run}" for check in checks))
    return f"{kind}:{hashlib.sha256(runs.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
