"""Workflow runs: which steps of a piece of work are done, and who is at it now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from storage.tables import WorkflowRun

RUNNING, FAILED, WAITING, DONE = "running", "failed", "waiting", "done"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run as found. ``is_ours`` is False while somebody else is at it."""

    run_id: int
    is_ours: bool
    was_done: bool
    steps: Mapping[str, Any]
    inputs: Mapping[str, Any]
    requested_by: str


def claim(
    session: Session,
    *,
    kind: str,
    key: str,
    requested_by: str,
    conversation_id: str,
    cause: str,
    now: datetime,
    lease: timedelta,
) -> Claimed:
    """Take the run of this key, made if there is none.

    A run in hand belongs to whoever took it until nothing was recorded for ``lease``; the same
    ``cause`` takes it at once, because that is the same command run again after a crash.
    """
    run = _locked(session, key)
    if run is None:
        run = _insert(session, kind, key, requested_by, conversation_id, cause, now)
        if run is not None:
            return _claimed(run, is_ours=True, was_done=False)
        run = _locked(session, key)
        assert run is not None  # it was there a moment ago, and runs are never deleted
    is_busy = run.state == RUNNING and now - run.updated_at < lease
    if is_busy and run.inputs.get("cause") != cause:
        return _claimed(run, is_ours=False, was_done=False)
    was_done = run.state == DONE
    run.state = RUNNING
    run.failure = ""
    run.requested_by = requested_by
    run.conversation_id = conversation_id
    run.inputs = {**run.inputs, "cause": cause}
    run.updated_at = now
    session.add(run)
    return _claimed(run, is_ours=True, was_done=was_done)


def record_step(
    session: Session, run_id: int, steps: Mapping[str, Any], *, now: datetime, **inputs: Any
) -> None:
    """Mark steps as done with what they made, and remember ``inputs`` for the next time."""
    run = _by_id(session, run_id)
    run.steps = {**run.steps, **steps}
    run.inputs = {**run.inputs, **inputs}
    run.updated_at = now
    session.add(run)


def forget_steps(session: Session, run_id: int, names: Sequence[str], *, now: datetime) -> None:
    """What these steps made is no longer there: they are to be done again."""
    run = _by_id(session, run_id)
    run.steps = {name: made for name, made in run.steps.items() if name not in names}
    run.updated_at = now
    session.add(run)


def finish(session: Session, run_id: int, *, state: str, failure: str, now: datetime) -> None:
    """End this stretch of work: ``done``, ``failed`` (may be continued) or ``waiting``."""
    run = _by_id(session, run_id)
    run.state = state
    run.failure = failure
    run.updated_at = now
    session.add(run)


def with_prefix(session: Session, prefix: str) -> Sequence[WorkflowRun]:
    """Runs whose key begins so, newest first."""
    begins = col(WorkflowRun.key).startswith(prefix, autoescape=True)
    return session.exec(
        select(WorkflowRun).where(begins).order_by(col(WorkflowRun.id).desc())
    ).all()


def _locked(session: Session, key: str) -> WorkflowRun | None:
    return session.exec(select(WorkflowRun).where(WorkflowRun.key == key).with_for_update()).first()


def _by_id(session: Session, run_id: int) -> WorkflowRun:
    return session.exec(select(WorkflowRun).where(WorkflowRun.id == run_id).with_for_update()).one()


def _insert(
    session: Session,
    kind: str,
    key: str,
    requested_by: str,
    conversation_id: str,
    cause: str,
    now: datetime,
) -> WorkflowRun | None:
    run = WorkflowRun(
        kind=kind,
        key=key,
        state=RUNNING,
        inputs={"cause": cause},
        requested_by=requested_by,
        conversation_id=conversation_id,
        created_at=now,
        updated_at=now,
    )
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:  # another replica was faster
        return None
    return run


def _claimed(run: WorkflowRun, *, is_ours: bool, was_done: bool) -> Claimed:
    assert run.id is not None
    return Claimed(
        run_id=run.id,
        is_ours=is_ours,
        was_done=was_done,
        steps=dict(run.steps),
        inputs=dict(run.inputs),
        requested_by=run.requested_by,
    )
