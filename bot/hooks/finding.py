"""What is wrong with a feed, and what of it may be mended. Pure, but for the look at silence."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.hooks.compare import Difference, Fault, delivers, is_as_wanted
from bot.hooks.examining import Examined
from bot.hooks.missed import Missed
from bot.hooks.model import HookStatus, HookSubscription, WantedHook, key_of
from bot.hooks.silence import HABIT_OF, Silence, silences
from bot.hooks.troubles import Kind
from bot.hooks.wanted import PULL_REQUEST_EVENTS
from bot.hooks.writing import Plan, Write
from bot.notices.texts import duration
from bot.repository_names import covers
from storage.queries import hooks as stored
from storage.queries import repositories
from storage.queries.hooks import Trouble
from storage.tables import Hook, RepositoryRow

MEND_AGAIN_AFTER = timedelta(hours=1)
UNDO_AGAIN_AFTER = timedelta(days=7)
FAILURES = 3
REFUSED = frozenset({401, 403, 407})


def mending(found: Examined, missed: Missed, now: datetime) -> Plan:
    """The hooks to write anew: out of service, refused, or changed by hand for the first time."""
    rows = _rows(found)
    writes = [
        Write(each.wanted, each.actual, each.says)
        for each in found.comparison.differences
        if _may_be_mended(each, rows.get(each.wanted.key), found.url, now)
    ]
    taken = {write.wanted.key for write in writes}
    for wanted, hook in found.comparison.pairs:
        answer = missed.answers.get(hook.id)
        is_refused = answer is not None and answer.answer in REFUSED
        if wanted.key in taken or not is_refused or not is_as_wanted(wanted, hook, found.url):
            continue
        if _is_due(rows.get(wanted.key), MEND_AGAIN_AFTER, now):
            writes.append(Write(wanted, hook, "its secret was refused"))
    return Plan(tuple(writes))


def troubles_of(
    found: Examined, missed: Missed, mended: frozenset[str], why_not: str
) -> list[Trouble]:
    """Everything that is wrong, and whether it was mended in this look."""
    return [
        *_of_hooks(found, mended, why_not),
        *_failing(found, missed, mended),
        *_dead_projects(found, mended),
    ]


def hidden_hooks(found: Examined) -> list[Trouble]:
    """None of the hooks that Pullcord made is shown, and it may make none: its right is gone.

    Whoever may not view hooks gets an empty list. That proves nothing of whether they deliver: that
    nothing comes is found by looking for silence, and told then.
    """
    if found.own or not found.rows:
        return []
    says = (
        "The account may not see or make service hooks any more, so I cannot tell whether they are "
        "as they should be. Make it a project administrator, or give it “View” and “Edit "
        "Subscriptions”"
    )
    return [Trouble("hooks", Kind.HIDDEN.value, says)]


def silent_repositories(
    session: Session, connection: str, *, watched_since: datetime, now: datetime
) -> list[Trouble]:
    """Followed repositories of which nothing is heard; none where no webhook ever came."""
    learnt = stored.learnt_since(session, connection, now - HABIT_OF)
    if not any(each.cause.startswith("webhook/") for each in learnt):
        return []
    followed = repositories.subscriptions_to(session, connection)
    rows = {
        row.id: row
        for row in repositories.in_connections(session, [connection])
        if any(covers(each, row) for each in followed)
    }
    found = silences(learnt, rows, watched_since=watched_since, now=now)
    return [_silence(each, rows[each.repository_id], now) for each in found]


def _rows(found: Examined) -> dict[str, Hook]:
    return {key_of(row.event_type, row.inputs): row for row in found.rows}


def _may_be_mended(each: Difference, row: Hook | None, url: str, now: datetime) -> bool:
    """What Pullcord wrote it may write again; of hand-made hooks only those that are as wanted."""
    is_ours = row is not None and bool(row.secret_tag)
    if each.fault.is_by_hand:
        return is_ours and _is_due(row, UNDO_AGAIN_AFTER, now)
    assert each.actual is not None  # only a missing hook is not there
    if not is_ours and not is_as_wanted(each.wanted, each.actual, url):
        return False
    return _is_due(row, MEND_AGAIN_AFTER, now)


def _is_due(row: Hook | None, pause: timedelta, now: datetime) -> bool:
    if row is None or row.repaired_at is None:
        return True
    return not timedelta(0) <= now - row.repaired_at < pause  # also when the clock was set back


def _of_hooks(found: Examined, mended: frozenset[str], why_not: str) -> Iterator[Trouble]:
    rows = _rows(found)
    for each in found.comparison.differences:
        row = rows.get(each.wanted.key)
        was_written = row is not None and bool(row.secret_tag)
        if each.fault in (Fault.MISSING, Fault.CHANGED) and not was_written:
            continue  # somebody set it up otherwise; `hooks check` says so to those who ask
        is_mended = each.wanted.key in mended
        yield Trouble(
            each.wanted.key,
            each.fault.value,
            f"“{each.wanted}” {each.says}{'' if is_mended else _left(each, row, why_not)}",
            each.wanted.project,
            is_mended,
        )


def _left(each: Difference, row: Hook | None, why_not: str) -> str:
    """Why it was not mended."""
    if why_not:
        return f". I could not mend it: {why_not}"
    if each.fault.is_by_hand and row is not None and row.repaired_at is not None:
        return " again after I had undone that, so I leave it"
    if row is not None and row.repaired_at is not None:
        return f", though I switched it on again at {row.repaired_at:%H:%M} UTC"
    return ""


def _failing(found: Examined, missed: Missed, mended: frozenset[str]) -> Iterator[Trouble]:
    for wanted, hook in found.comparison.pairs:
        failures = missed.failures.get(hook.id, [])
        is_over = (
            hook.last_success_at is not None and failures and (hook.last_success_at > failures[-1])
        )
        if hook.status is not HookStatus.ENABLED or len(failures) < FAILURES or is_over:
            continue
        answer = missed.answers.get(hook.id)
        why = f" (answered {answer.answer})" if answer is not None and answer.answer else ""
        yield Trouble(
            wanted.key,
            Kind.FAILING.value,
            f"The last {len(failures)} deliveries of “{wanted}” failed{why}",
            wanted.project,
            wanted.key in mended,
        )


def _dead_projects(found: Examined, mended: frozenset[str]) -> Iterator[Trouble]:
    """Projects that had hooks about pull requests, of which none delivers any more."""
    rows = _rows(found)
    actual = {wanted.key: hook for wanted, hook in found.comparison.pairs}
    by_project: dict[tuple[str, str], list[WantedHook]] = {}
    for wanted in found.wanted:
        if wanted.event_type in PULL_REQUEST_EVENTS:
            by_project.setdefault((wanted.project_id, wanted.project), []).append(wanted)
    for (project_id, project), hooks in by_project.items():
        had_any = any(each.key in actual or each.key in rows for each in hooks)
        if had_any and not any(_lives(each, actual, mended, found.url) for each in hooks):
            yield Trouble(
                f"project/{project_id}",
                Kind.DEAD.value,
                f"No webhook about pull requests comes from {project} any more",
                project,
            )


def _lives(
    wanted: WantedHook, actual: dict[str, HookSubscription], mended: frozenset[str], url: str
) -> bool:
    hook = actual.get(wanted.key)
    return wanted.key in mended or (hook is not None and delivers(hook, url))


def _silence(each: Silence, row: RepositoryRow, now: datetime) -> Trouble:
    name = f"{row.project_name}/{row.name}"
    since = f"for {duration(now - each.since)}" if each.since else "at all"
    if each.habit is None:
        says = (
            f"No webhook has come from {name} {since}, though I found {each.found} changes there. "
            "If the account that made the hooks has lost its access, make them anew: "
            "`pullcord hooks remove`, then `install`"
        )
        return Trouble(f"repository/{row.id}", Kind.SILENT.value, says, name)
    pause = duration(each.habit)
    says = f"No webhook has come from {name} {since}; its longest pause of the month was {pause}"
    return Trouble(f"repository/{row.id}", Kind.QUIET.value, says, name)
