"""The loop that tells people what waits for them, when it need not wait any more.

Everything stands in the table, so a restart or a second replica neither skips nor doubles one.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, select

from bot.cards.view import load_state
from bot.due_loop import DueLoop
from bot.group_reviews import MEMBERS_KEPT, expand
from bot.held_item import Item, dump_item, read_item
from bot.held_release import release
from bot.log_text import log_safe
from bot.model import Identity
from bot.notices import texts
from bot.ports import AzureDevOpsError, Unreachable
from bot.services import Services
from storage import held
from storage.held import Addressees
from storage.queries import people, reviews
from storage.tables import HeldNotice, PullRequestRow

log = logging.getLogger(__name__)

ASK_S = 10.0
MOST_COMMITS = 100
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
ATTEMPTS = 20  # with the pauses more than an hour without Azure DevOps


@dataclass(frozen=True, slots=True)
class Question:
    """A row that needs an answer of Azure DevOps before it can be told."""

    row: HeldNotice
    item: Item
    connection: str
    repository_id: str
    source_commit: str
    person_name: str


class HeldMessages(DueLoop):
    """Works off what is due. ``wake`` when something was held."""

    what = "what people are to be told"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services

    async def work_off(self) -> bool:
        """Deal with what is due now; whether there was anything."""
        now = self._services.clock()
        due = await self._services.db.read(lambda s: held.due_addressees(s, now=now))
        if not due:
            return False
        for question in await self._services.db.read(lambda s: _questions(s, due, now)):
            await self._answer(question)
        now, rules = self._services.clock(), self._services.holding
        told = Addressees(due.people, due.conversations, frozenset())
        await self._services.db.write(lambda s: release(s, told, rules, now=now))
        return True

    async def _answer(self, question: Question) -> None:
        try:
            if question.item.group_id:
                await self._ask_group(question)
            else:
                await self._ask_changes(question)
        except AzureDevOpsError as error:
            log.info("held notice %s waits: %s", question.row.id, log_safe(str(error)))
            await self._unanswered(question)

    async def _ask_changes(self, question: Question) -> None:
        """What changed since the commit that the reader knows."""
        item, azure = question.item, await self._services.azure_devops(question.connection)
        since, until = item.since, question.source_commit
        try:
            async with asyncio.timeout(ASK_S):
                commits = await azure.commits_on_path(
                    question.repository_id, "", since=since, until=until, top=MOST_COMMITS
                )
                files = await azure.changed_files(question.repository_id, since, until)
        except TimeoutError:
            raise Unreachable("Azure DevOps did not answer in time") from None
        is_own = bool(commits) and all(
            commit.author_name == question.person_name for commit in commits
        )
        found = replace(
            item,
            is_looked_up=True,
            note=texts.changed_since(len(commits), len(files)),
            is_own_doing=is_own,
        )
        await self._services.db.write(
            lambda s: held.keep_payload(s, question.row.id, dump_item(found))
        )

    async def _ask_group(self, question: Question) -> None:
        """Who is in the group, and then: whom of them to tell."""
        now, item = self._services.clock(), question.item
        known = await self._services.db.read(
            lambda s: reviews.group_members(s, question.connection, item.group_id)
        )
        members: Sequence[Identity] | None = None
        if known is None or now - known.read_at > MEMBERS_KEPT:
            members = await self._members(question)
        rules = self._services.holding
        await self._services.db.write(
            lambda s: expand(s, question.row, item, question.connection, members, rules, now=now)
        )

    async def _members(self, question: Question) -> Sequence[Identity]:
        azure = await self._services.azure_devops(question.connection)
        try:
            async with asyncio.timeout(ASK_S):
                return await azure.group_members(question.item.group_id)
        except TimeoutError:
            raise Unreachable("Azure DevOps did not answer in time") from None

    async def _unanswered(self, question: Question) -> None:
        """A changed pull request is told without its numbers; a group is asked for again."""
        row, item = question.row, question.item
        now = self._services.clock()
        if not item.group_id:
            told = dump_item(replace(item, is_looked_up=True))
            await self._services.db.write(lambda s: held.keep_payload(s, row.id, told))
            return
        if row.attempts + 1 >= ATTEMPTS:
            log.warning("the members of group %s were never told", log_safe(item.group_name))
            why = "the group's members cannot be read"
            await self._services.db.write(lambda s: held.release(s, [row.id], now=now, outcome=why))
            return
        pause = min(FIRST_PAUSE_S * 2**row.attempts, LONGEST_PAUSE_S)
        due = now + timedelta(seconds=pause)
        await self._services.db.write(lambda s: held.failed(s, row.id, due_at=due))


def _questions(session: Session, due: Addressees, now: datetime) -> list[Question]:
    found: list[Question] = []
    for row in held.waiting_for(session, due, now=now, lock=False):
        item = read_item(row.payload)
        is_asked = bool(item.group_id) or (bool(item.since) and not item.is_looked_up)
        if not is_asked or row.pull_request_id is None:
            continue
        pull_request = session.exec(
            select(PullRequestRow).where(PullRequestRow.id == row.pull_request_id)
        ).one()
        state = load_state(pull_request)
        person = people.get(session, row.person_id) if row.person_id is not None else None
        found.append(
            Question(
                row,
                item,
                state.connection,
                state.repository.id,
                state.source_commit,
                person.name if person else "",
            )
        )
    return found
