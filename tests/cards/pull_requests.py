"""Sample pull requests as the cards see them, in the states in which they look different."""

from dataclasses import replace
from typing import Any

from bot.cards.alert_view import FROM_AZURE_DEVOPS, FROM_OVERLAP, AlertView
from bot.cards.view import LinkedTicket, PullRequestView
from bot.conflicts.episodes import EndedBy, Finding
from bot.model import (
    Check,
    CheckKind,
    Commit,
    ConflictKind,
    FileConflict,
    Fork,
    MergeStatus,
    PullRequestSnapshot,
    PullRequestStatus,
    Repository,
    Reviewer,
    Vote,
)
from bot.reconcile import reconcile
from tests.bot.pull_request_samples import CLEAN, CONFLICT, JONAS, LENA, MAYA, TEAM, at, seen, votes

BASE = "https://dev.azure.com/contoso"
SHOP = Repository("repo-web", "web", "project-shop", "Shop", "refs/heads/main")
NOW = at(3 * 24 * 60 + 185)
TICKETS = (LinkedTicket(123, "Find things in the shop", "Active", "Shop"),)
PASSED = (Check("web-ci", "succeeded"), Check("lint", "succeeded"))
CHECKS = (
    Check("web-ci", "failed", "12 of 480 tests failed", f"{BASE}/Shop/_build/1", is_blocking=True),
    Check("licences", "pending", kind=CheckKind.BUILD),
    Check("lint", "succeeded"),
    Check("At least two reviewers", "failed", kind=CheckKind.POLICY, is_blocking=True),
)
ASKED = votes((JONAS, Vote.NONE), (LENA, Vote.NONE))
APPROVED = votes((JONAS, Vote.APPROVED), (LENA, Vote.APPROVED_WITH_SUGGESTIONS))
FILES = (
    FileConflict("/src/cart.py", ConflictKind.BOTH_CHANGED),
    FileConflict("/src/checkout/payment_methods.py", ConflictKind.DELETED_THERE),
)
CAUSE = (
    Commit("1" * 40, "Jonas Sample", "Merged PR 9: Round prices", at(0), pull_request=9),
    Commit("2" * 40, "Lena Sample", "Move the payment methods", at(-5)),
)
LONG_TITLE = (
    "Suche: Produktvorschläge, Rechtschreibkorrektur und Donaudampfschifffahrtsgesellschaft in "
    "einem Schritt anzeigen, auch ohne Verbindung"
)
LONG_BRANCH = "refs/heads/feature/4711_suche_mit_produktvorschlaegen_und_rechtschreibkorrektur"
LONG_PATH = "/src/Shop.Customers.Service/CustomerMasterDataSynchronisationServiceBackgroundTests.cs"


def view_of(*, minutes: float = 1, **values: Any) -> PullRequestView:
    """The card's view of the sample pull request; values of the view itself are taken out first."""
    own = {
        key: values.pop(key)
        for key in ("checks", "tickets", "viewers", "finding", "conflicts_since")
        if key in values
    }
    snapshot = seen(minutes, **{"repository": SHOP, **values})
    state = reconcile(None, snapshot).state
    return PullRequestView(state, BASE, NOW, **own)


def _many() -> dict[str, Any]:
    people = [replace(JONAS, id=f"id-{n}", display_name=f"Sample Person {n}") for n in range(10)]
    return {
        "title": LONG_TITLE,
        "source_ref": LONG_BRANCH,
        "target_ref": "refs/heads/release/2026.11-hotfix-for-the-holidays",
        "reviewers": tuple(
            Reviewer(who, Vote.NONE, required=not who.id[-1:] > "2") for who in people
        ),
    }


CLOSED: dict[str, Any] = {"closed_at": at(2_000), "closed_by": JONAS}

PULL_REQUESTS: dict[str, PullRequestView] = {
    "nobody-asked": view_of(),
    "waiting": view_of(**ASKED, **CLEAN, tickets=TICKETS, checks=PASSED),
    "waits-for-you": view_of(**ASKED, **CLEAN, tickets=TICKETS, viewers=frozenset({JONAS.id})),
    "required-group": view_of(
        reviewers=(Reviewer(TEAM, Vote.NONE, required=True), Reviewer(LENA, declined=True)), **CLEAN
    ),
    "changes-asked": view_of(
        **votes((JONAS, Vote.WAITING_FOR_AUTHOR), (LENA, Vote.APPROVED)), **CLEAN
    ),
    "rejected": view_of(**votes((JONAS, Vote.REJECTED), (LENA, Vote.NONE)), **CLEAN),
    "checks-failed": view_of(**ASKED, **CLEAN, checks=CHECKS),
    "approved": view_of(**APPROVED, **CLEAN, tickets=TICKETS, checks=PASSED),
    "completes-by-itself": view_of(**APPROVED, **CLEAN, auto_complete_by=MAYA),
    "draft": view_of(is_draft=True, **CLEAN, tickets=TICKETS),
    "conflicts": view_of(**APPROVED, **CONFLICT, auto_complete_by=MAYA, tickets=TICKETS),
    "conflicts-found-here": view_of(
        **ASKED,
        **CLEAN,
        finding=Finding(
            MergeStatus.CONFLICTS, "a" * 40, "refs/heads/main", "e" * 40, "f" * 40, at(60)
        ),
        conflicts_since=at(60),
    ),
    "policy-rejects": view_of(**ASKED, merge_status=MergeStatus.REJECTED_BY_POLICY),
    "merge-not-tried": view_of(**ASKED, merge_status=MergeStatus.FAILURE),
    "completed": view_of(
        **APPROVED, **CLEAN, status=PullRequestStatus.COMPLETED, **CLOSED, tickets=TICKETS
    ),
    "abandoned": view_of(**ASKED, status=PullRequestStatus.ABANDONED, **CLOSED),
    "long-texts": view_of(**_many(), **CONFLICT, checks=CHECKS, tickets=TICKETS),
}


def _alert(snapshot: PullRequestSnapshot, **values: Any) -> AlertView:
    view = PullRequestView(reconcile(None, snapshot).state, BASE, NOW)
    found: dict[str, Any] = {"files": FILES, "files_from": FROM_AZURE_DEVOPS, "cause": CAUSE}
    return AlertView(view, snapshot.target_ref, at(5), **(found | values))


_OPEN = seen(1, repository=SHOP, **CONFLICT)
FORK = Fork("repo-fork", "web-maya", "project-people", "Maya's forks")
_LONG = seen(1, repository=SHOP, **CONFLICT, title=LONG_TITLE, source_ref=LONG_BRANCH)

ALERTS: dict[str, AlertView] = {
    "open": _alert(_OPEN),
    "auto-complete": _alert(seen(1, repository=SHOP, **CONFLICT, auto_complete_by=MAYA)),
    "from-a-fork": _alert(seen(1, repository=SHOP, **CONFLICT, fork=FORK)),
    "from-an-unknown-fork": _alert(seen(1, repository=SHOP, **CONFLICT, fork=Fork())),
    "found-here": _alert(_OPEN, is_own_finding=True, files_from=FROM_OVERLAP, cause=()),
    "files-not-known": _alert(_OPEN, files=(), cause=(), is_examined=False),
    "long-texts": _alert(
        _LONG, files=(FileConflict(LONG_PATH, ConflictKind.BOTH_ADDED),) * 16, cause=CAUSE * 4
    ),
    "gone-by-push": _alert(
        _OPEN, ended_at=at(95), ended_by=EndedBy.SOURCE, ended_actor="Maya Sample"
    ),
    "gone-by-target": _alert(_OPEN, ended_at=at(95), ended_by=EndedBy.TARGET),
    "gone-found-here": _alert(_OPEN, ended_at=at(95), is_own_finding=True),
    "completed": _alert(_OPEN, ended_at=at(95), ended_by=EndedBy.COMPLETED),
}
