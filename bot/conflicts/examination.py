"""What a conflict is about: which files, and who changed them on the target. Bounded calls."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.cards.alert_view import FROM_AZURE_DEVOPS, FROM_OVERLAP
from bot.log_text import log_safe
from bot.model import Commit, ConflictKind, FileConflict
from bot.ports import AzureDevOps, AzureDevOpsError, RateLimited, Unreachable

log = logging.getLogger(__name__)

CAUSE_FILES = 5
"""For so many files the commits are looked up: one call each."""
COMMITS_PER_FILE = 5
MOST_COMMITS = 10
MOST_FILES = 200
"""So many are stored; a card shows ten."""


@dataclass(frozen=True, slots=True)
class Question:
    """The conflict to examine: the commits that do not merge.

    ``merged_by`` maps commits on the target to the pull request that is known to have brought
    them. ``is_own_finding``: Azure DevOps has not merged these two, so it cannot name the files.
    """

    project_id: str
    repository_id: str
    number: int
    source_commit: str
    target_commit: str
    last_clean_target_commit: str
    is_own_finding: bool
    merged_by: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Examination:
    """The files, where they are from (azure_devops, overlap), and the commits behind it."""

    files: tuple[FileConflict, ...]
    files_from: str
    cause: tuple[Commit, ...]


async def examine(azure: AzureDevOps, question: Question) -> Examination:
    """Ask Azure DevOps: at most 3 + CAUSE_FILES calls.

    What it refuses to say is left out.

    Raises:
        Unreachable, RateLimited: asking later may help.
    """
    files, files_from = await _files(azure, question)
    cause = await _cause(azure, question, [each.path for each in files[:CAUSE_FILES]])
    return Examination(tuple(files[:MOST_FILES]), files_from, cause)


async def _files(azure: AzureDevOps, question: Question) -> tuple[Sequence[FileConflict], str]:
    if not question.is_own_finding:
        try:
            named = await azure.conflicts(
                question.project_id, question.repository_id, question.number
            )
        except (Unreachable, RateLimited):
            raise
        except AzureDevOpsError as error:
            log.info("conflicts of %s not named: %s", question.number, log_safe(str(error)))
            named = ()
        if named:
            return named, FROM_AZURE_DEVOPS
    return await _overlap(azure, question)


async def _overlap(azure: AzureDevOps, question: Question) -> tuple[Sequence[FileConflict], str]:
    """Files that both sides changed since they parted: those in conflict are among them, mostly."""
    source, target = question.source_commit, question.target_commit
    if not source or not target:
        return (), ""
    repository = question.repository_id
    try:
        ours, theirs = await asyncio.gather(
            azure.changed_files(repository, target, source),
            azure.changed_files(repository, source, target),
        )
    except (Unreachable, RateLimited):
        raise
    except AzureDevOpsError as error:
        log.info("changes of %s not compared: %s", question.number, log_safe(str(error)))
        return (), ""
    both = sorted(set(ours) & set(theirs))
    return [FileConflict(path, ConflictKind.UNKNOWN) for path in both], FROM_OVERLAP


async def _cause(
    azure: AzureDevOps, question: Question, paths: Sequence[str]
) -> tuple[Commit, ...]:
    """The target's commits that touched the files since the last clean merge, newest first.

    Where there was none, or the target has not moved since (the source did), all that the source
    does not have.
    """
    target, clean = question.target_commit, question.last_clean_target_commit
    if not target or not question.source_commit:
        return ()
    since = clean if clean and clean != target else question.source_commit
    found = await asyncio.gather(*(_commits(azure, question, path, since=since) for path in paths))
    by_id = {commit.id: commit for commits in found for commit in commits}
    newest = sorted(by_id.values(), key=lambda commit: (commit.at, commit.id), reverse=True)
    return tuple(_named(newest[:MOST_COMMITS], question.merged_by))


async def _commits(
    azure: AzureDevOps, question: Question, path: str, *, since: str
) -> Sequence[Commit]:
    try:
        return await azure.commits_on_path(
            question.repository_id,
            path,
            since=since,
            until=question.target_commit,
            top=COMMITS_PER_FILE,
        )
    except (Unreachable, RateLimited):
        raise
    except AzureDevOpsError as error:
        log.info("commits behind %s not found: %s", question.number, log_safe(str(error)))
        return ()


def _named(commits: Iterable[Commit], merged_by: Mapping[str, int]) -> Iterable[Commit]:
    """With the pull request that is known to have brought a commit, where its message has none."""
    for commit in commits:
        number = merged_by.get(commit.id, 0)
        yield commit if commit.pull_request or not number else replace(commit, pull_request=number)
