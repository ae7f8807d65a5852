"""Writing hooks in Azure DevOps: made, changed, removed, each with a secret that is told once.

A secret is stored as a hash only, so whatever is written gets a fresh one. Hooks that are left as
they are go on sending theirs, and each secret stays valid while a hook may send it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.hooks.compare import Comparison
from bot.hooks.model import HookSubscription, NewHook, ServiceHooks, WantedHook, key_of
from bot.ports import AzureDevOpsError, Clock, Sleep
from storage import audit
from storage.engine import Database
from storage.queries import connections
from storage.queries import hooks as stored
from storage.queries.hooks import HookFacts
from storage.secrets import new_webhook_secret

UNNEEDED = ", which nothing needs"
SECRET_KNOWN_AFTER_S = 2.0
"""A running ``serve`` looks for new secrets once a second (``adapters.web.door``); before it has,
the first delivery with a new one would be refused, which puts the hook on probation."""

RETRY_WINDOW = timedelta(minutes=10)
"""Azure DevOps repeats a delivery for about three minutes, with the secret that it had then."""


@dataclass(frozen=True, slots=True)
class Write:
    """One hook to be written: made when ``actual`` is None. ``why`` ends the sentence about it."""

    wanted: WantedHook
    actual: HookSubscription | None
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to the hooks of a connection."""

    writes: tuple[Write, ...]
    removals: tuple[HookSubscription, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.writes and not self.removals

    def lines(self) -> list[str]:
        """One line for each, what would be done."""
        done = [_line(write) for write in self.writes]
        return [*done, *(_removal(hook, UNNEEDED) for hook in self.removals)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where hooks are written and where they deliver to."""

    connection: str
    url: str
    hooks: ServiceHooks


def to_install(found: Comparison, *, everything: bool = False) -> Plan:
    """What makes the hooks right; ``everything`` writes those too that are right (a rotation)."""
    wrong = {each.wanted.key: each for each in found.differences}
    writes = [Write(each.wanted, each.actual, each.says) for each in found.differences]
    if everything:
        writes += [
            Write(wanted, actual, "gets the new secret")
            for wanted, actual in found.pairs
            if wanted.key not in wrong
        ]
    return Plan(tuple(writes), found.surplus)


class HookWriter:
    """Carries plans out.

    Args:
        db: where hooks and the hashes of their secrets are stored.
        clock: the time.
        sleep: waits.
        actor: whom the audit names.
        told: called with a line for each thing that was done.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sleep: Sleep,
        *,
        actor: str,
        told: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sleep = sleep
        self._actor = actor
        self._told = told
        self.written: set[str] = set()
        """Keys of what was written so far, also when a later one failed."""

    async def carry_out(self, place: Place, plan: Plan, *, is_repair: bool = False) -> int:
        """Write and remove; how many hooks were. What was done before a failure stays done.

        Raises:
            AzureDevOpsError: Azure DevOps refused one, e.g. Forbidden without the right.
        """
        done = await self._write_all(place, plan.writes, is_repair=is_repair)
        for hook in plan.removals:
            await self.remove(place, hook, why=UNNEEDED)
        return done + len(plan.removals)

    async def _write_all(self, place: Place, writes: Sequence[Write], *, is_repair: bool) -> int:
        if not writes:
            return 0
        secret = new_webhook_secret()
        name = place.connection
        tag = await self._db.write(lambda s: connections.set_webhook_secret(s, name, secret))
        await self._sleep(SECRET_KNOWN_AFTER_S)
        done = 0
        try:
            for write in writes:
                new = NewHook(write.wanted, place.url, secret)
                await self._write(place, write, new, tag, is_repair=is_repair)
                done += 1
        except AzureDevOpsError:
            if done == 0:
                await self._db.write(lambda s: _withdraw_unused(s, name, tag))
            raise
        return done

    async def _write(
        self, place: Place, write: Write, new: NewHook, tag: str, *, is_repair: bool
    ) -> None:
        if write.actual is None:
            hook = await place.hooks.create_hook(new)
        else:
            hook = await place.hooks.replace_hook(write.actual.id, new)
        now = self._clock()
        line = _line(write, is_done=True)

        def store(session: Session) -> None:
            facts = facts_of(hook)
            if write.actual is None:
                stored.forget(session, _gone(session, place.connection, write.wanted))
            stored.written(
                session, place.connection, facts, secret_tag=tag, now=now, is_repair=is_repair
            )
            self._audit(session, place.connection, hook.id, "hook_written", {"what": line})

        await self._db.write(store)
        self.written.add(write.wanted.key)
        self._told(line)

    async def remove(self, place: Place, hook: HookSubscription, *, why: str = "") -> None:
        """Remove one hook; raises AzureDevOpsError."""
        await place.hooks.remove_hook(hook.id)
        line = _removal(hook, why, is_done=True)

        def forget(session: Session) -> None:
            stored.forget(session, [hook.id])
            self._audit(session, place.connection, hook.id, "hook_removed", {"what": line})

        await self._db.write(forget)
        self._told(line)

    def _audit(
        self, session: Session, connection: str, hook_id: str, action: str, after: dict[str, str]
    ) -> None:
        audit.append(
            session,
            at=self._clock(),
            actor=self._actor,
            action=action,
            connection=connection,
            subject=f"hook/{connection}/{hook_id}",
            after=after,
        )


def facts_of(hook: HookSubscription) -> HookFacts:
    """What is stored of a hook."""
    return HookFacts(hook.id, hook.event_type, hook.inputs, hook.status, hook.last_success_at)


def retire_unused(session: Session, name: str, now: datetime) -> int:
    """Refuse the secrets that no hook sends any more, once no repetition can come with them.

    Nothing is refused while it is not known of each hook which one it sends. Returns how many.
    """
    connection = connections.get(session, name)
    rows = stored.of_connection(session, name)
    if connection is None or not connection.old_secret_hash or not rows:
        return 0
    changed = [row.changed_at for row in rows if row.changed_at is not None and row.secret_tag]
    if len(changed) < len(rows) or now - max(changed) < RETRY_WINDOW:
        return 0
    in_use = {row.secret_tag for row in rows}
    return connections.retire_secrets(session, name, in_use=in_use)


def _gone(session: Session, connection: str, wanted: WantedHook) -> list[str]:
    """Ids that are stored of hooks like this one, which was found not to be there."""
    return [
        row.id
        for row in stored.of_connection(session, connection)
        if key_of(row.event_type, row.inputs) == wanted.key
    ]


def _withdraw_unused(session: Session, connection: str, tag: str) -> None:
    if all(row.secret_tag != tag for row in stored.of_connection(session, connection)):
        connections.withdraw_secret(session, connection, tag)


def _line(write: Write, *, is_done: bool = False) -> str:
    if write.actual is None:
        return f"{'made' if is_done else 'would make'}: {write.wanted}"
    return f"{'changed' if is_done else 'would change'}: {write.wanted} ({write.why})"


def _removal(hook: HookSubscription, why: str, *, is_done: bool = False) -> str:
    verb = "removed" if is_done else "would remove"
    return f"{verb}: {hook.event_type} ({hook.id}){why}"
