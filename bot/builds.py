"""Whether a build breaks a branch or fixes it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model import HEADS, Build, branch_name
from bot.notices.patterns import matches_branch

GOOD = frozenset({"succeeded"})
BAD = frozenset({"failed"})
"""A build that succeeded in part, or was stopped, neither breaks nor fixes."""

ENDED = GOOD | BAD | {"partiallySucceeded", "canceled"}
"""How a build can end (Azure DevOps REST, BuildResult)."""

USUAL_BRANCHES = frozenset({"main", "master"})


class Turn(StrEnum):
    """What a build changed for its branch."""

    BROKEN = "broken"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class LastBuild:
    """The last build of a definition and a branch that succeeded or failed."""

    build_id: int
    result: str
    finished_at: datetime
    broken_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class BuildJudged:
    """What is the last build now, and what it changed. ``since`` is when a fixed one broke."""

    last: LastBuild
    turn: Turn | None = None
    since: datetime | None = None


def counts(build: Build) -> bool:
    """Whether a build says something of a branch: not of a pull request's merge, nor of a tag."""
    return is_told(build) and build.result in GOOD | BAD


def is_told(build: Build) -> bool:
    """Whether it is a build of a branch, which is told to those who asked for every build."""
    return build.source_ref.startswith(HEADS) and build.result in ENDED


def judge(last: LastBuild | None, build: Build) -> BuildJudged | None:
    """Compare a build that ``counts`` with the last one; None when it tells nothing new.

    Builds are numbered as they are queued: one that was queued before the last one says how the
    branch was earlier. The same build again, later, was run again.
    """
    if last is not None and (build.id, build.finished_at) <= (last.build_id, last.finished_at):
        return None
    is_bad = build.result in BAD
    was_bad = last is not None and last.result in BAD
    since = (last.broken_since if last is not None and was_bad else None) or build.finished_at
    found = LastBuild(build.id, build.result, build.finished_at, since if is_bad else None)
    if is_bad and not was_bad:
        return BuildJudged(found, Turn.BROKEN)
    if was_bad and not is_bad:
        return BuildJudged(found, Turn.FIXED, since)
    return BuildJudged(found)


def is_followed(targets: tuple[str, ...], source_ref: str, default_branch: str | None) -> bool:
    """Whether a subscription with these target branches hears of a branch's builds.

    Without target branches it is the default branch: builds of everybody's branches are noise.
    """
    if targets:
        return matches_branch(targets, source_ref)
    if default_branch:
        return branch_name(source_ref) == branch_name(default_branch)
    return branch_name(source_ref) in USUAL_BRANCHES
