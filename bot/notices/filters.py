"""What a subscription wants to hear of: its filters, and whether a pull request passes them. Pure.

All of them must pass. What only Azure DevOps knows (labels, changed files, who is in a group) is
given as ``Facts``; one that is not known yet lets pass, because silence would lose the news.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Flag, auto

from bot.model import Identity, branch_name
from bot.notices.machines import is_machine
from bot.notices.patterns import (
    admits_folded,
    admits_slashed,
    admits_title,
    folded,
    short_branches,
    slashed,
    split,
)
from bot.pull_request_state import PullRequestState

SILENT, ANNOUNCE, PUBLISHED = "silent", "announce", "published"
BOTS = frozenset({"bot", "bots"})
"""As an author or reviewer these words mean any machine."""


class Need(Flag):
    """What must be asked of Azure DevOps before a filter can decide."""

    NOTHING = 0
    LABELS = auto()
    FILES = auto()
    GROUPS = auto()


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of one subscription; patterns as in ``bot.notices.patterns``.

    ``author`` and ``reviewer`` match names, mails, accounts, and groups that somebody is in.
    ``path`` are globs of changed files, ``min_files`` how many files must change. ``drafts``:
    silent, announce, or published (told when published). ``bots``: pull requests of machines are
    told, too. ``every_build``: also builds that neither break a branch nor mend it. ``area`` and
    ``type`` are of tickets. ``groups`` are (name, id) of those among the
    authors and reviewers that are groups in Azure DevOps.
    """

    target: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    reviewer: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    drafts: str = PUBLISHED
    bots: bool = False
    min_files: int = 0
    area: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    every_build: bool = False
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def needs(self) -> Need:
        """What deciding needs beside the pull request itself."""
        need = Need.NOTHING
        if self.label:
            need |= Need.LABELS
        if self.path or self.min_files > 0:
            need |= Need.FILES
        if self.groups:
            need |= Need.GROUPS
        return need


@dataclass(frozen=True, slots=True)
class Facts:
    """What Azure DevOps said beside the pull request itself; None: not asked, or not answered.

    ``groups`` are the names of the groups that identities (by id) are in.
    """

    labels: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)


NO_FACTS = Facts()
EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Subject:
    """A pull request as filters look at it, made once for all of them; names are without case.

    ``decided`` remembers filters by their ``id()``: many subscriptions share the same object.
    """

    target: frozenset[str]
    source: frozenset[str]
    title: str
    author: frozenset[str]
    author_is_machine: bool
    reviewers: frozenset[str]
    labels: frozenset[str] | None
    files: tuple[str, ...] | None
    decided: dict[int, bool] = field(default_factory=dict, compare=False)


def subject_of(state: PullRequestState, facts: Facts = NO_FACTS) -> Subject:
    """What filters look at."""
    names = [_names(each.identity, facts) for each in state.reviewers]
    return Subject(
        target=folded((branch_name(state.target_ref),)),
        source=folded((branch_name(state.source_ref),)),
        title=state.title,
        author=_names(state.author, facts),
        author_is_machine=is_machine(state.author),
        reviewers=frozenset().union(*names),
        labels=None if facts.labels is None else folded(facts.labels),
        files=None if facts.files is None else tuple(map(slashed, facts.files)),
    )


def passes(filters: Filters, subject: Subject) -> bool:
    """Whether a pull request passes every filter but the one for drafts, which is about time."""
    if filters is EVERYTHING:
        return not subject.author_is_machine
    known = subject.decided.get(id(filters))
    if known is None:
        known = subject.decided[id(filters)] = _passes(filters, subject)
    return known


def _passes(filters: Filters, subject: Subject) -> bool:
    return (
        (not filters.target or admits_folded(short_branches(filters.target), subject.target))
        and _passes_author(filters, subject)
        and (not filters.source or admits_folded(short_branches(filters.source), subject.source))
        and (not filters.reviewer or admits_folded(filters.reviewer, subject.reviewers))
        and (not filters.title or admits_title(filters.title, subject.title))
        and _passes_facts(filters, subject)
    )


def _passes_author(filters: Filters, subject: Subject) -> bool:
    """A machine's pull request passes if machines are wanted, or this one is named."""
    if filters.author and not admits_folded(filters.author, subject.author):
        return False
    return filters.bots or not subject.author_is_machine or bool(split(filters.author)[0])


def _passes_facts(filters: Filters, subject: Subject) -> bool:
    labels, files = subject.labels, subject.files
    if filters.label and labels is not None and not admits_folded(filters.label, labels):
        return False
    if files is None:
        return True
    if len(files) < filters.min_files:
        return False
    return not filters.path or admits_slashed(filters.path, files)


def _names(identity: Identity, facts: Facts) -> frozenset[str]:
    groups = facts.groups.get(identity.id, frozenset())
    names = {*_spellings(identity.display_name), identity.unique_name}
    names |= {name for group in groups for name in _spellings(group)}
    names.add(identity.unique_name.partition("@")[0])
    if is_machine(identity):
        names |= BOTS
    names.discard("")
    return folded(names)


def _spellings(name: str) -> Iterator[str]:
    r"""A name, and of a group (``[Shop]\\Web Team``) also the part that people say."""
    yield name
    if name.startswith("[") and "\\" in name:
        yield name.rpartition("\\")[2]
