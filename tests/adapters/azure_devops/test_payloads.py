import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.azure_devops.payloads import parse_hook
from bot.model import (
    BuildHook,
    Comment,
    CommentHook,
    Fork,
    Hook,
    Identity,
    MergeStatus,
    PullRequestHook,
    PullRequestSnapshot,
    PullRequestStatus,
    Pushed,
    RefUpdate,
    Repository,
    RepositoryHook,
    Reviewer,
    SnapshotSource,
    TestHook,
    TicketHook,
    UnusedHook,
    Vote,
)
from bot.ports import PayloadError

FIXTURES = Path(__file__).parent / "fixtures"
COMMENT_EVENT = "ms.vss-code.git-pullrequest-comment-event"

MAYA = Identity("11111111-aaaa-4000-8000-000000000001", "Maya Sample", "maya@example.com")
JONAS = Identity("11111111-aaaa-4000-8000-000000000002", "Jonas Sample", "jonas@example.com")
LENA = Identity("11111111-aaaa-4000-8000-000000000003", "Lena Sample", "lena@example.com")
REVIEWERS = Identity(
    "22222222-bbbb-4000-8000-000000000009",
    "[Shop]\\Reviewers",
    "vstfs:///Classification/TeamProject/33333333-cccc-4000-8000-000000000001\\Reviewers",
    is_group=True,
)
SHOP = Repository(
    id="44444444-dddd-4000-8000-00000000000a",
    name="web-shop",
    project_id="33333333-cccc-4000-8000-000000000001",
    project_name="Shop",
    default_branch="refs/heads/main",
)


def parsed(name: str) -> Hook:
    return parse_hook((FIXTURES / f"{name}.json").read_bytes(), "acme")


def pull_request(name: str) -> PullRequestSnapshot:
    hook = parsed(name)
    assert isinstance(hook, PullRequestHook)
    assert hook.kind == name.split("__", maxsplit=1)[0]
    return hook.snapshot


def fixture(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_bytes())
    return body


def test_a_created_pull_request_is_a_whole_snapshot() -> None:
    assert pull_request("git.pullrequest.created__plain") == PullRequestSnapshot(
        connection="acme",
        repository=SHOP,
        number=41,
        title="Add a basket",
        author=MAYA,
        source_ref="refs/heads/feature/123-basket",
        target_ref="refs/heads/main",
        status=PullRequestStatus.ACTIVE,
        as_of=datetime(2026, 11, 20, 8, 15, 30, 123456, tzinfo=UTC),
        source=SnapshotSource.HOOK,
        created_at=datetime(2026, 11, 20, 8, 15, 29, 765432, tzinfo=UTC),
        description="Adds the basket.\n\nSee #123.",
        merge_status=MergeStatus.QUEUED,
        source_commit="a" * 40,
        target_commit="b" * 40,
        merge_commit="c" * 40,
    )


def test_a_draft_is_a_draft() -> None:
    assert pull_request("git.pullrequest.created__draft").is_draft
    assert not pull_request("git.pullrequest.created__plain").is_draft


def test_votes_requirements_and_groups_are_read() -> None:
    assert pull_request("git.pullrequest.updated__votes-and-group").reviewers == (
        Reviewer(JONAS, Vote.WAITING_FOR_AUTHOR, required=True),
        Reviewer(LENA, Vote.APPROVED, voted_for=(REVIEWERS.id,)),
        Reviewer(REVIEWERS, Vote.APPROVED, required=True),
    )


def test_a_merge_attempt_with_conflicts_lacks_keys_and_is_still_active() -> None:
    snapshot = pull_request("git.pullrequest.merged__conflicts-keys-absent")
    assert snapshot.merge_status is MergeStatus.CONFLICTS
    assert snapshot.status is PullRequestStatus.ACTIVE
    assert (snapshot.merge_commit, snapshot.description, snapshot.merge_failure) == ("", "", "")
    assert snapshot.closed_at is None


def test_a_completed_one_is_closed() -> None:
    snapshot = pull_request("git.pullrequest.merged__completed")
    assert snapshot.status is PullRequestStatus.COMPLETED
    assert snapshot.closed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "fork"),
    [
        (None, None),
        (
            {
                "name": "refs/heads/feature/x",
                "repository": {
                    "id": SHOP.id.upper(),
                    "name": "web-shop",
                    "isFork": True,
                    "project": {"id": SHOP.project_id, "name": "Shop"},
                    "remoteUrl": "https://elsewhere.example/evil",
                },
            },
            Fork(SHOP.id, "web-shop", SHOP.project_id, "Shop"),
        ),
        ({"name": "refs/heads/feature/x"}, Fork()),
        ({"repository": {"id": SHOP.id}}, Fork()),
    ],
)
def test_a_source_in_a_fork_is_known_by_names_and_never_by_an_address(
    source: object, fork: Fork | None
) -> None:
    """CHECKS 20."""
    body = fixture("git.pullrequest.created__plain")
    body["resource"]["forkSource"] = source
    hook = parse_hook(json.dumps(body).encode(), "acme")
    assert isinstance(hook, PullRequestHook)
    assert hook.snapshot.fork == fork


def test_an_abandoned_one_tells_who_closed_it_if_the_body_does() -> None:
    snapshot = pull_request("git.pullrequest.updated__abandoned")
    assert snapshot.status is PullRequestStatus.ABANDONED
    assert snapshot.closed_by == JONAS


def test_no_address_of_a_body_is_taken_over_CHECKS_20() -> None:
    snapshot = pull_request("git.pullrequest.updated__visualstudio-com")
    assert snapshot.title == 'Größe & "Farbe" <b>prüfen</b>'
    assert (snapshot.web_url, snapshot.repository.web_url) == ("", None)
    build = parsed("build.complete__2.0")
    assert isinstance(build, BuildHook)
    assert build.web_url == ""


def test_a_servers_people_are_domain_users() -> None:
    snapshot = pull_request("git.pullrequest.updated__server-domain-user")
    assert snapshot.author == Identity(MAYA.id, "Maya Sample", "EXAMPLE\\maya")


def test_the_documentations_mistakes_are_tolerated() -> None:
    snapshot = pull_request("git.pullrequest.updated__documentation-mistakes")
    assert snapshot.number == 41


def test_a_merge_status_of_a_later_version_says_nothing() -> None:
    body = fixture("git.pullrequest.created__plain")
    body["resource"]["mergeStatus"] = "mergedByMagic"
    body["resource"]["reviewers"] = [{"id": "X", "vote": 7}]
    hook = parse_hook(json.dumps(body).encode(), "acme")
    assert isinstance(hook, PullRequestHook)
    assert hook.snapshot.merge_status is MergeStatus.NOT_SET
    assert hook.snapshot.reviewers == (Reviewer(Identity("x", ""), Vote.NONE),)


COMMENT = Comment(
    thread_id=7,
    comment_id=2,
    author=JONAS,
    text="Please rename **this**.",
    created_at=datetime(2026, 11, 20, 8, 20, 0, 500000, tzinfo=UTC),
    updated_at=datetime(2026, 11, 20, 8, 20, 0, 500000, tzinfo=UTC),
)


def test_a_comment_at_2_0_has_its_pull_request() -> None:
    hook = parsed(f"{COMMENT_EVENT}__resource-2.0")
    assert isinstance(hook, CommentHook)
    assert hook.snapshot is not None
    assert hook.snapshot.title == "Add a basket"
    assert (hook.comment, hook.repository_id, hook.number) == (COMMENT, SHOP.id, 41)


def test_a_comment_at_1_0_is_placed_by_its_links() -> None:
    assert parsed(f"{COMMENT_EVENT}__resource-1.0") == CommentHook(COMMENT, SHOP.id, 41)


def test_deleted_and_system_comments_are_marked() -> None:
    deleted, system = parsed(f"{COMMENT_EVENT}__deleted"), parsed(f"{COMMENT_EVENT}__system")
    assert isinstance(deleted, CommentHook)
    assert isinstance(system, CommentHook)
    assert (deleted.comment.is_deleted, deleted.comment.text) == (True, "")
    assert (system.comment.is_system, system.comment.is_deleted) == (True, False)


@pytest.mark.parametrize(
    ("variant", "updates"),
    [
        ("commits", [("refs/heads/feature/123-basket", "a", "b")]),
        ("branch-created", [("refs/heads/feature/124-cart", "0", "b")]),
        ("branch-deleted", [("refs/heads/feature/124-cart", "b", "0")]),
        ("tag", [("refs/tags/v1.0", "0", "c")]),
        ("forced-with-older-commits", [("refs/heads/feature/123-basket", "d", "a")]),
        ("several-refs", [("refs/heads/main", "a", "b"), ("refs/tags/v2", "0", "b")]),
    ],
)
def test_a_push_tells_where_each_ref_points(
    variant: str, updates: list[tuple[str, str, str]]
) -> None:
    assert parsed(f"git.push__{variant}") == Pushed(
        repository=SHOP,
        updates=tuple(RefUpdate(name, old * 40, new * 40) for name, old, new in updates),
        pusher=MAYA,
        at=datetime(2026, 11, 20, 8, 14, 0, 250000, tzinfo=UTC),
    )


def test_a_push_without_date_and_pushers_id_is_of_the_events_time_and_nobody() -> None:
    hook = parsed("git.push__pusher-without-id")
    assert isinstance(hook, Pushed)
    assert hook.pusher is None
    assert hook.at == datetime(2026, 11, 20, 8, 15, 30, 123456, tzinfo=UTC)


def ticket(name: str) -> TicketHook:
    hook = parsed(name)
    assert isinstance(hook, TicketHook)
    assert hook.kind == name.split("__", maxsplit=1)[0]
    return hook


def test_a_created_work_item_has_its_fields_as_texts() -> None:
    hook = ticket("workitem.created__1.0-text-identities")
    assert (hook.number, hook.rev, hook.project_name) == (123, 1, "Shop")
    assert (hook.type, hook.title, hook.state) == ("User Story", "Basket keeps its items", "New")
    assert hook.changed_by == "Maya Sample <maya@example.com>"
    assert hook.at == datetime(2026, 11, 20, 8, 1, 0, 340000, tzinfo=UTC)
    assert hook.fields["System.AssignedTo"] == "Jonas Sample <jonas@example.com>"
    assert hook.fields["Microsoft.VSTS.Common.Priority"] == "2"
    assert hook.fields["System.BoardColumnDone"] == "false"


@pytest.mark.parametrize(
    "variant",
    [
        "1.0-text-identities",
        "3.1-pascal-case",
        "3.1-pascal-case-resource",
        "5.1-whole-identities",
    ],
)
def test_an_update_reads_the_same_at_every_resource_version(variant: str) -> None:
    hook = ticket(f"workitem.updated__{variant}")
    assert (hook.number, hook.rev, hook.state) == (123, 2, "Active")
    assert (hook.title, hook.type) == ("Basket keeps its items", "User Story")
    assert hook.changed_by == "Maya Sample <maya@example.com>"
    assert hook.at == datetime(2026, 11, 20, 8, 5, 0, 560000, tzinfo=UTC)
    assert hook.fields["System.CreatedBy"] == "Maya Sample <maya@example.com>"
    assert hook.fields["System.AssignedTo"] == ""  # cleared: it has an old value only


def test_an_update_without_its_revision_knows_the_changes_only() -> None:
    hook = ticket("workitem.updated__revision-absent")
    assert (hook.number, hook.state, hook.title) == (123, "Active", "")


def test_a_servers_work_item_names_domain_users() -> None:
    hook = ticket("workitem.created__server-domain-user")
    assert hook.changed_by == "Maya Sample <EXAMPLE\\maya>"


@pytest.mark.parametrize("variant", ["1.0-text-identities", "5.1-whole-identities"])
def test_a_work_items_comment_is_its_history(variant: str) -> None:
    hook = ticket(f"workitem.commented__{variant}")
    assert hook.comment.startswith("<div>Ready")
    assert hook.changed_by == "Maya Sample <maya@example.com>"


def test_builds_of_both_resource_versions_are_read() -> None:
    at = datetime(2026, 11, 20, 8, 12, 0, 200000, tzinfo=UTC)
    branch = "refs/heads/feature/123-basket"
    assert parsed("build.complete__1.0") == BuildHook(
        8, "Shop CI 20261120.3", "partiallySucceeded", branch, "", "", at, SHOP.project_id
    )
    assert parsed("build.complete__2.0") == BuildHook(
        9, "Shop CI 20261120.4", "failed", "refs/pull/41/merge", SHOP.id, "", at, SHOP.project_id
    )


def test_renamed_and_deleted_repositories_are_told() -> None:
    assert parsed("git.repo.renamed__plain") == RepositoryHook("git.repo.renamed", SHOP)
    gone = Repository(SHOP.id, "web-shop", SHOP.project_id, "Shop")
    assert parsed("git.repo.deleted__plain") == RepositoryHook("git.repo.deleted", gone)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("workitem.deleted__unused", "workitem.deleted"),
        (
            "ms.vss-pipelines.run-state-changed-event__unused",
            "ms.vss-pipelines.run-state-changed-event",
        ),
        (
            "ms.vss-release.deployment-completed-event__documentation-spelling",
            "ms.vss-release.deployment-completed-event",
        ),
    ],
)
def test_kinds_that_are_not_used_are_marked_so(name: str, kind: str) -> None:
    assert parsed(name) == UnusedHook(kind)


def test_an_unused_kind_needs_no_resource() -> None:
    assert parse_hook(b'{"eventType":"some.later-event","resource":null}', "acme") == UnusedHook(
        "some.later-event"
    )


def test_the_test_buttons_sample_changes_nothing() -> None:
    assert parsed("git.pullrequest.created__test-button") == TestHook("git.pullrequest.created")


def test_an_organisation_that_is_called_fabrikam_is_heard() -> None:
    snapshot = pull_request("git.pullrequest.created__organisation-called-fabrikam")
    assert (snapshot.repository.name, snapshot.author.display_name) == (
        "Fabrikam",
        "Jamal Hartnett",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"id": "AF07BE1B-f3ad-44c8-a7f1-c4835f2df06b"},
        {"resourceContainers": {"account": {"id": "f844ec47-a9db-4511-8281-8b63f4eaf94e"}}},
        {"ResourceContainers": {"collection": {"Id": "c12d0eb8-e382-443b-9f9c-c52cba5014c2"}}},
        {"resource": {"repository": {"id": "278d5cd2-584d-4b63-824a-2ba458937249"}}},
        {"resource": {"repositoryId": "278d5cd2-584d-4b63-824a-2ba458937249"}},
        {
            "resource": {
                "pullRequest": {"repository": {"id": "4bc14d40-c903-45e2-872e-0462c7748079"}}
            }
        },
    ],
)
def test_any_of_the_samples_own_ids_tells_it(change: dict[str, Any]) -> None:
    body = fixture("git.pullrequest.created__plain")
    del body["resourceContainers"]
    assert parse_hook(json.dumps({**body, **change}).encode(), "acme") == TestHook(
        "git.pullrequest.created"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("git.pullrequest.created__repository-absent", "resource.repository is missing"),
        ("git.pullrequest.created__resource-null", "resource is missing"),
        ("git.push__commit-ids-absent", "resource.refUpdates[0].oldObjectId is missing"),
        (
            f"{COMMENT_EVENT}__resource-1.0-without-links",
            "resource._links has no address of the pull request",
        ),
    ],
)
def test_what_cannot_be_used_names_the_path(name: str, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parsed(name)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("eventType", None, "eventType is missing"),
        ("createdDate", "soon", "createdDate is missing or is not a date and time"),
        ("resource", [], "resource is not an object"),
        ("resource.pullRequestId", "41", "resource.pullRequestId is not a whole number"),
        ("resource.pullRequestId", True, "resource.pullRequestId is not a whole number"),
        ("resource.pullRequestId", -1, "resource.pullRequestId is out of range"),
        ("resource.title", 5, "resource.title is not a text"),
        ("resource.isDraft", "yes", "resource.isDraft is not true or false"),
        ("resource.status", "notSet", "resource.status is not known"),
        ("resource.creationDate", "0001-01-01T00:00:00", "resource.creationDate is not a date"),
        ("resource.createdBy", None, "resource.createdBy is missing"),
        ("resource.repository.id", None, "resource.repository.id is missing"),
        ("resource.repository.project", None, "resource.repository.project is missing"),
        ("resource.reviewers", {}, "resource.reviewers is not a list"),
        ("resource.reviewers", [5], "resource.reviewers[0] is not an object"),
        ("resource.reviewers", [{}], "resource.reviewers[0].id is missing"),
    ],
)
def test_every_wrong_value_is_named_by_its_path(path: str, value: object, reason: str) -> None:
    body = fixture("git.pullrequest.created__plain")
    *parents, last = path.split(".")
    place = body
    for parent in parents:
        place = place[parent]
    place[last] = value
    with pytest.raises(PayloadError) as caught:
        parse_hook(json.dumps(body).encode(), "acme")
    assert str(caught.value).startswith(reason)


def test_no_text_that_a_database_refuses_comes_through_CHECKS_22() -> None:
    body = fixture("git.pullrequest.created__plain")
    body["resource"]["title"] = "a\x00b"
    hook = parse_hook(json.dumps(body).encode(), "acme")
    assert isinstance(hook, PullRequestHook)
    assert hook.snapshot.title == "a\ufffdb"


def test_every_fixture_is_used() -> None:
    text = Path(__file__).read_text()
    variants = [path.stem.split("__")[1] for path in FIXTURES.glob("*.json")]
    assert len(variants) >= 40
    assert [variant for variant in variants if variant not in text] == []
