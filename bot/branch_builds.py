"""Builds of branches that somebody follows: read, compared with the last one, told.

A webhook at resource version 1.0 does not say of which repository a build is, and any body may be
late, so the build is read from Azure DevOps.
"""

import logging
from datetime import datetime

from sqlmodel import Session

from bot import builds as rules
from bot.builds import LastBuild, Turn
from bot.cards.build import draw_build
from bot.held_item import hold_news
from bot.log_text import log_safe
from bot.model import HEADS, Build, BuildHook, Repository
from bot.notices.builds import build_key, build_result, build_turned
from bot.notices.kinds import EventKind, Place
from bot.notices.model import Subscriber
from bot.notices.reasons import Role
from bot.outgoing import as_payload
from bot.ports import AuthenticationFailed, AzureDevOps, Forbidden, NotFound
from bot.reach import load_reach
from bot.recorded_rows import storable
from bot.services import Services
from bot.teams_model import ConversationKind
from storage import audit, enqueue
from storage.queries import builds, recording, subscriptions
from storage.tables import BranchBuild, RepositoryRow

log = logging.getLogger(__name__)

EARLIER = 10
"""How many builds are asked for when a branch is seen for the first time."""


async def build_ended(services: Services, connection: str, hook: BuildHook, *, cause: str) -> None:
    """Take in the webhook of a build that ended.

    Raises AzureDevOpsError when it may be read later, and CannotStore.
    """
    if not _is_of_branch(hook):
        return
    if not await services.db.read(lambda s: _is_wanted(s, connection, hook)):
        return
    azure = await services.azure_devops(connection)
    try:
        build = await azure.build(hook.project_id, hook.build_id)
    except (NotFound, Forbidden, AuthenticationFailed) as error:
        # The next build is compared with what is stored, so nothing is waited for: a credential
        # that may not read builds would be refused again and again.
        log.warning(
            "build %s of %s cannot be read, the credential needs Build (read): %s",
            hook.build_id,
            log_safe(connection),
            log_safe(str(error)),
        )
        return
    if not rules.is_told(build) or not build.repository_id:
        return
    stored = await services.db.read(
        lambda s: builds.last(s, connection, build.definition_id, build.source_ref)
    )
    earlier = await _earlier(azure, build) if stored is None and rules.counts(build) else None
    now = services.clock()
    await services.db.write(
        lambda s: record_build(s, connection, build, earlier, cause=cause, now=now)
    )


def record_build(
    session: Session,
    connection: str,
    build: Build,
    earlier: Build | None,
    *,
    cause: str,
    now: datetime,
) -> Turn | None:
    """Compare a build with the last one of its branch, store it, and tell what it changed.

    Who asked for every build is told of those, too, that change nothing: of one that was stopped,
    and of one that ended after a newer one. ``earlier`` is the build before it, if Azure DevOps
    knows one: it stands in for the last one when none is stored. Branches that nobody follows are
    not kept.
    """
    build = storable(build)
    row = session.get(RepositoryRow, (connection, build.repository_id))
    followers = _followers(session, connection, build, row.default_branch if row else None)
    if not followers:
        return None
    stored = builds.last(session, connection, build.definition_id, build.source_ref)
    if stored is not None and (stored.build_id, stored.finished_at) == (
        build.id,
        build.finished_at,
    ):
        return None  # its webhook has come again
    judged = None
    if rules.counts(build):
        judged = rules.judge(_last(stored) if stored else _before(earlier), build)
    if judged is not None:
        _keep(session, connection, build, judged.last)
    if judged is not None and judged.turn is not None:
        text = build_turned(build, judged.turn, since=judged.since)
        _audit(session, connection, build, judged.turn, cause=cause, now=now)
        _tell(session, connection, build, text, followers, cause=cause, now=now)
        return judged.turn
    text = build_result(build, is_last=stored is None or stored.build_id <= build.id)
    followers = [each for each in followers if each.filters.every_build]
    _tell(session, connection, build, text, followers, cause=cause, now=now)
    return None


def _keep(session: Session, connection: str, build: Build, last: LastBuild) -> None:
    builds.keep(
        session,
        BranchBuild(
            connection=connection,
            definition_id=build.definition_id,
            source_ref=build.source_ref,
            definition=build.definition,
            repository_id=build.repository_id,
            build_id=last.build_id,
            result=last.result,
            finished_at=last.finished_at,
            broken_since=last.broken_since,
        ),
    )


def _tell(
    session: Session,
    connection: str,
    build: Build,
    text: str,
    followers: list[Subscriber],
    *,
    cause: str,
    now: datetime,
) -> None:
    """Conversations get a message; a person's own chat and DIRECT go by his settings."""
    shared = as_payload(draw_build(text, build, build.repository_name))
    why = f"{EventKind.BUILD.value} {Role.SUBSCRIBER.value}"
    personal = as_payload(draw_build(text, build, build.repository_name, why=why))
    places, people = _addressees(session, connection, build, followers)
    for conversation_id in places:
        enqueue.message(
            session,
            key=build_key(conversation_id, connection, build),
            payload=shared,
            now=now,
            conversation_id=conversation_id,
            cause=cause,
        )
    for person_id in people:
        hold_news(
            session,
            person_id,
            EventKind.BUILD,
            key=build_key(f"person/{person_id}", connection, build),
            text=text,
            role=Role.SUBSCRIBER,
            url=build.web_url,
            where=f"{build.project_name} / {build.repository_name}",
            card=personal,
            cause=cause,
            now=now,
        )


def _addressees(
    session: Session, connection: str, build: Build, followers: list[Subscriber]
) -> tuple[list[str], list[int]]:
    """(conversations, persons), each once. DIRECT concerns the one whose commit was built."""
    places: dict[str, None] = {}
    people: dict[int, None] = {}
    for each in followers:
        if each.kind is ConversationKind.PERSONAL:
            people |= {each.person_id: None} if each.person_id else {}
        elif each.places.of(EventKind.BUILD, each.kind) is Place.DIRECT:
            whose = [build.requested_for.id] if build.requested_for else []
            found = recording.people_of(session, connection, whose)
            people |= {person.person_id: None for person in found}
        else:
            places[each.conversation_id] = None
    return list(places), list(people)


def _is_of_branch(hook: BuildHook) -> bool:
    """What the body says is enough to leave most builds alone; an empty ref says nothing."""
    is_branch = not hook.source_ref or hook.source_ref.startswith(HEADS)
    return bool(hook.project_id) and is_branch


def _is_wanted(session: Session, connection: str, hook: BuildHook) -> bool:
    """Whether it is worth a read: a build without a verdict is, where every build is told."""
    if hook.result in rules.GOOD | rules.BAD:
        return subscriptions.any_in(session, connection)
    return subscriptions.any_with_filter(session, connection, "every_build")


async def _earlier(azure: AzureDevOps, build: Build) -> Build | None:
    """The build before this one: whether the branch was broken already is not for us to guess."""
    listed = await azure.builds(
        build.project_id, build.definition_id, build.source_ref, top=EARLIER
    )
    before = [each for each in listed if each.id < build.id and rules.counts(each)]
    return max(before, key=lambda each: each.id, default=None)


def _followers(
    session: Session, connection: str, build: Build, default_branch: str | None
) -> list[Subscriber]:
    """There is no card of a build: where only the card would show it, it is not told."""
    repository = Repository(
        build.repository_id, build.repository_name, build.project_id, build.project_name
    )
    return [
        subscriber
        for subscriber in load_reach(session, connection, repository).subscribers
        if subscriber.places.of(EventKind.BUILD, subscriber.kind) not in (Place.OFF, Place.CARD)
        and subscriber.created_at <= build.finished_at
        and rules.is_followed(subscriber.filters.target, build.source_ref, default_branch)
    ]


def _last(row: BranchBuild) -> LastBuild:
    return LastBuild(row.build_id, row.result, row.finished_at, row.broken_since)


def _before(build: Build | None) -> LastBuild | None:
    if build is None:
        return None
    broken_since = build.finished_at if build.result in rules.BAD else None
    return LastBuild(build.id, build.result, build.finished_at, broken_since)


def _audit(
    session: Session, connection: str, build: Build, turn: Turn, *, cause: str, now: datetime
) -> None:
    audit.append(
        session,
        at=now,
        actor="unknown",
        action=f"build_{turn.value}",
        connection=connection,
        subject=f"repository/{connection}/{build.repository_id}",
        after={
            "branch": build.source_ref,
            "definition": build.definition,
            "build": build.id,
            "result": build.result,
        },
        cause=cause,
    )
