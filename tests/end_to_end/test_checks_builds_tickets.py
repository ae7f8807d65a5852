"""Checks, builds and tickets, from Azure DevOps to what people read."""

import re
from datetime import UTC, datetime

from sqlmodel import Session, select

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.azure_devops.pull_requests.model import STATUS_POLICY
from adapters.sandbox.teams import render_text
from bot.branch_builds import build_ended
from bot.checks_watch import JOB
from bot.cli.demo.stage import CONNECTION
from bot.model import BuildHook
from storage.queries import builds
from storage.tables import CheckWatch
from tests.end_to_end.scene import Scene

LINT, CI = "lint", "web-ci"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def looks_at_checks(scene: Scene) -> None:
    """The watch comes round, and every open pull request is due."""

    def make_due(session: Session) -> None:
        for row in session.exec(select(CheckWatch)).all():
            row.due_at = row.due_at and LONG_AGO
            session.add(row)

    await scene.stage.bot.db.write(make_due)
    assert await scene.stage.bot.jobs.run_now(JOB)
    await scene.stage.settle()


async def posts(scene: Scene, pr: SandboxPullRequest, state: str, name: str = LINT) -> None:
    await scene.azure.set_pull_request_status(pr, scene.jonas.azure_devops, state, name)
    await looks_at_checks(scene)


def below(scene: Scene, mark: str) -> list[str]:
    """First lines of the channel's own messages that speak of something."""
    own = [message for message in scene.channel.messages if message.from_bot]
    said = [render_text(message).split("\n")[0] for message in own]
    return [line for line in said if mark in line]


def of_checks(scene: Scene) -> list[str]:
    return [line for line in scene.direct(scene.maya) if "check" in line]


async def test_a_failed_status_is_on_the_card_and_told_to_the_author_once(scene: Scene) -> None:
    pr = await scene.opens(scene.maya, "Add search")
    page = f"{scene.azure.base_url}/Shop/_build/results?buildId=7"
    await scene.azure.set_pull_request_status(
        pr, scene.jonas.azure_devops, "failed", LINT, description="3 errors", target_url=page
    )
    await looks_at_checks(scene)
    await looks_at_checks(scene)
    card = scene.card(pr)
    assert "1 check failed" in render_text(card)
    assert "Checks: ✗ 1 failed" in render_text(card)
    assert "✗ lint  3 errors" in render_text(card)
    assert page in str(card.card)
    assert of_checks(scene) == ["#1 Add search: The check lint failed"]
    [failed] = [m for m in scene.chat_of(scene.maya).messages if "lint failed" in render_text(m)]
    assert render_text(failed).split("[")[1:4] == ["Failed run] ", "Open] ", "Why did I get this?]"]
    assert page in str(failed.card)
    # quiet: a channel sees it on the card
    assert not any("lint" in text for text in scene.thread(pr))


async def test_a_fixed_check_is_told_and_running_is_not(scene: Scene) -> None:
    pr = await scene.opens(scene.maya, "Add search")
    for state in ("failed", "pending", "succeeded", "pending", "succeeded"):
        await posts(scene, pr, state)
    assert of_checks(scene) == [
        "#1 Add search: The check lint failed",
        "#1 Add search: The check lint passes again: no check fails any more",
    ]
    assert "Checks: ✓ 1 passed" in scene.card_text(pr)


async def test_what_fails_again_is_told_for_new_commits_only(scene: Scene) -> None:
    pr = await scene.opens(scene.maya, "Add search")
    await posts(scene, pr, "failed")
    await posts(scene, pr, "failed")
    assert len(of_checks(scene)) == 1
    await scene.azure.commit(
        scene.stage.repository,
        "feature/part-1",
        {"part-1.txt": "better\n"},
        scene.maya.azure_devops,
        "Try to fix it",
    )
    await scene.stage.settle()
    assert len(of_checks(scene)) == 1  # the status is of the older commits
    await posts(scene, pr, "failed")
    assert of_checks(scene)[1:] == ["#1 Add search: The check lint still fails"]


async def test_a_build_validation_that_ends_is_read_at_once(scene: Scene) -> None:
    pr = await scene.opens(scene.maya, "Add search")
    build = await scene.azure.complete_build(
        scene.stage.repository,
        scene.maya.azure_devops,
        definition=CI,
        result="failed",
        pull_request=pr,
    )
    await scene.stage.settle()
    assert of_checks(scene) == ["#1 Add search: The check web-ci failed"]
    assert "✗ web-ci required  failed" in scene.card_text(pr)
    assert f"_build/results?buildId={build.id}" in str(scene.card(pr).card)
    await scene.azure.complete_build(
        scene.stage.repository, scene.maya.azure_devops, definition=CI, pull_request=pr
    )
    await scene.stage.settle()
    assert of_checks(scene)[1:] == [
        "#1 Add search: The check web-ci passes again: no check fails any more"
    ]


async def test_policies_that_wait_for_people_are_on_the_card_and_told_to_nobody(
    scene: Scene,
) -> None:
    pr = await scene.opens(scene.maya, "Add search")
    await scene.azure.set_policy(pr, "Two reviewers", "rejected")
    await looks_at_checks(scene)
    assert "Not met yet: Minimum number of reviewers" in scene.card_text(pr)
    assert "failed" not in scene.card_text(pr)
    assert of_checks(scene) == []


async def test_a_policy_that_waits_for_a_status_is_that_status(scene: Scene) -> None:
    pr = await scene.opens(scene.maya, "Add search")
    await posts(scene, pr, "succeeded")
    settings = {"statusName": LINT, "statusGenre": ""}
    await scene.azure.set_policy(pr, "Lint", "queued", type_=STATUS_POLICY, settings=settings)
    await looks_at_checks(scene)
    card = scene.card_text(pr)
    assert "Checks: ◔ 1 running" in card
    assert "◔ lint required  running" in card


async def test_the_default_branch_is_told_when_its_build_breaks_and_is_fixed(
    scene: Scene,
) -> None:
    await scene.says(scene.priya, "subscribe Shop/web builds every", scene.chat_of(scene.priya))
    known = len(scene.direct(scene.priya))
    for result in ("succeeded", "failed", "failed", "canceled", "succeeded", "succeeded"):
        await scene.azure.complete_build(
            scene.stage.repository, scene.maya.azure_devops, definition=CI, result=result
        )
        await scene.stage.settle()
    broken, fixed = below(scene, CI)
    assert broken.startswith("web-ci is broken on main: build ")
    assert broken.endswith(".2 failed (for Maya Sample)")
    assert fixed.startswith("web-ci is fixed on main after less than a minute: build ")
    assert [entry.action for entry in await scene.audit()][-2:] == ["build_broken", "build_fixed"]
    heard = [line.partition(":")[0] for line in scene.direct(scene.priya)[known:]]
    assert heard == [
        "web-ci succeeded on main",
        "web-ci is broken on main",
        "web-ci failed again on main",
        "web-ci was canceled on main",
        "web-ci is fixed on main after less than a minute",
        "web-ci succeeded on main",
    ], "who asked for every build hears of all that ended, however they did"
    await scene.azure.complete_build(
        scene.stage.repository, scene.maya.azure_devops, definition=CI, result="failed", number=4
    )
    await scene.stage.settle()
    late = scene.direct(scene.priya)[known + len(heard) :]
    assert [re.sub(r"\d{8}", "DAY", line) for line in late] == [
        "web-ci failed on main: the earlier build DAY.4 (for Maya Sample)"
    ]
    assert len(below(scene, CI)) == 2, "how the branch was earlier breaks nothing"
    told = len(scene.direct(scene.priya))
    for number in (2, 4, 6):
        again = BuildHook(
            build_id=number,
            name=CI,
            result="failed",
            source_ref="refs/heads/main",
            repository_id="",
            web_url="",
            at=datetime.now(UTC),
            project_id=scene.stage.project.id,
        )
        await build_ended(scene.stage.bot.services, CONNECTION, again, cause="webhook")
    await scene.stage.settle()
    assert len(scene.direct(scene.priya)) == told, "what comes again is told once"
    assert len(below(scene, CI)) == 2


async def test_a_branch_that_was_broken_before_anybody_followed_is_no_news(scene: Scene) -> None:
    await scene.opens(scene.maya, "Add search")

    async def builds_branch(result: str) -> None:
        await scene.azure.complete_build(
            scene.stage.repository,
            scene.maya.azure_devops,
            definition=CI,
            result=result,
            branch="feature/part-1",
        )
        await scene.stage.settle()

    await builds_branch("failed")
    await scene.says(scene.priya, "subscribe Shop/web target feature/*")
    await builds_branch("failed")
    assert below(scene, CI) == []
    await builds_branch("succeeded")
    assert [line.partition(":")[0] for line in below(scene, CI)] == [
        "web-ci is fixed on feature/part-1 after less than a minute"
    ]


async def test_builds_of_other_branches_are_told_where_they_are_followed(scene: Scene) -> None:
    await scene.opens(scene.maya, "Add search")
    await scene.azure.complete_build(
        scene.stage.repository,
        scene.maya.azure_devops,
        definition=CI,
        result="failed",
        branch="feature/part-1",
    )
    await scene.stage.settle()
    assert below(scene, CI) == []
    await scene.says(scene.priya, "subscribe Shop/web target feature/*")
    await scene.azure.complete_build(
        scene.stage.repository,
        scene.maya.azure_devops,
        definition="other",
        result="failed",
        branch="feature/part-1",
    )
    await scene.stage.settle()
    assert [line.partition(":")[0] for line in below(scene, "other")] == [
        "other is broken on feature/part-1"
    ]
    stored = await scene.read(lambda s: builds.last(s, "contoso", 1, "refs/heads/feature/part-1"))
    assert stored is None  # nobody followed it then


async def follows_tickets(scene: Scene, words: str = "") -> None:
    await scene.says(scene.priya, f"subscribe Shop tickets {words}".strip())


def of_tickets(scene: Scene, number: int) -> list[str]:
    return below(scene, f" {number} ")


async def test_a_ticket_is_told_where_it_is_followed_and_to_who_has_it(scene: Scene) -> None:
    await follows_tickets(scene)
    maya, jonas = scene.maya.azure_devops, scene.jonas.azure_devops
    number = scene.azure.add_work_item(
        scene.stage.project, "Bug", "Slow checkout", created_by=maya, assigned_to=jonas
    )
    await scene.stage.settle()
    await scene.azure.update_work_item(number, maya, state="Active")
    await scene.stage.settle()
    await scene.azure.comment_work_item(number, maya, "<p>See <b>the log</b> &amp; the trace</p>")
    await scene.stage.settle()
    await scene.azure.update_work_item(number, maya, title="Slow checkout page")
    await scene.stage.settle()
    await scene.azure.update_work_item(number, maya, assigned_to=maya, state="Resolved")
    await scene.stage.settle()
    name = f"Bug {number} Slow checkout"
    assert of_tickets(scene, number) == [
        f"Maya Sample created {name} for Jonas Sample",
        f"Maya Sample moved {name} from New to Active",
        f"Maya Sample commented on {name}: See the log & the trace",
        f"Maya Sample moved {name} page from Active to Resolved and took it",
    ]
    assert scene.direct(scene.jonas) == [
        f"Maya Sample created {name} for you",
        f"Maya Sample moved {name} from New to Active",
        f"Maya Sample commented on {name}: See the log & the trace",
    ]
    assert scene.direct(scene.maya) == []  # her own doing
    told = [render_text(message) for message in scene.chat_of(scene.jonas).messages[1:]]
    assert all("[Open ticket] [Why did I get this?]" in text for text in told), told


async def test_tickets_are_told_by_area_and_type(scene: Scene) -> None:
    await follows_tickets(scene, "area Shop\\Pay, !Shop\\Pay\\Old type Bug")
    for type_, area in (
        ("Bug", "Shop\\Pay"),
        ("Bug", "Shop\\Pay\\Cards"),
        ("Bug", "Shop\\Pay\\Old\\Ones"),
        ("Bug", "Shop\\Payments"),
        ("Task", "Shop\\Pay"),
    ):
        scene.azure.add_work_item(
            scene.stage.project,
            type_,
            f"In {area}",
            created_by=scene.maya.azure_devops,
            area_path=area,
        )
    await scene.stage.settle()
    assert [line.partition(" In ")[2] for line in below(scene, " created ")] == [
        "Shop\\Pay",
        "Shop\\Pay\\Cards",
    ]


async def test_a_ticket_webhook_that_comes_twice_or_late_is_told_once(scene: Scene) -> None:
    await follows_tickets(scene)
    maya = scene.maya.azure_devops
    number = scene.azure.add_work_item(scene.stage.project, "Bug", "Slow", created_by=maya)
    await scene.azure.update_work_item(number, maya, state="Active")
    await scene.azure.comment_work_item(number, maya, "Look")
    await scene.stage.settle()
    said = of_tickets(scene, number)
    assert len(said) == 3
    for kind in ("workitem.commented", "workitem.updated", "workitem.created"):
        for body in scene.hook_bodies(kind):
            again = body | {"notificationId": body["notificationId"] + 1_000}
            assert await scene.sends_hook(again) == 202
    await scene.stage.settle()
    assert of_tickets(scene, number) == said


async def test_what_start_ticket_does_is_no_news_to_who_said_it(scene: Scene) -> None:
    """Her own doing, though Azure DevOps names the bot's account."""
    number = scene.azure.add_work_item(
        scene.stage.project, "Bug", "Slow", created_by=scene.jonas.azure_devops
    )
    await scene.stage.settle()
    said = await scene.says(scene.maya, f"start ticket {number} in Shop/web")
    assert "Assigned to" in said[0]
    assert scene.direct(scene.maya) == []
    await scene.azure.comment_work_item(number, scene.jonas.azure_devops, "Look at the log")
    await scene.stage.settle()
    await scene.azure.update_work_item(number, scene.jonas.azure_devops, state="Resolved")
    await scene.stage.settle()
    assert scene.direct(scene.maya) == [  # what others do is, also a moment later
        f"Jonas Sample commented on Bug {number} Slow: Look at the log",
        f"Jonas Sample moved Bug {number} Slow from Active to Resolved",
    ]


async def test_what_start_ticket_does_is_told_others_as_the_doing_of_who_said_it(
    scene: Scene,
) -> None:
    await follows_tickets(scene)
    number = scene.azure.add_work_item(
        scene.stage.project, "Bug", "Slow", created_by=scene.jonas.azure_devops
    )
    await scene.stage.settle()
    await scene.says(scene.maya, f"start ticket {number} in Shop/web")
    assert of_tickets(scene, number)[1:] == [
        f"Maya Sample moved Bug {number} Slow from New to Active and took it"
    ]


async def test_tickets_are_not_told_where_nobody_asked_for_them(scene: Scene) -> None:
    number = scene.azure.add_work_item(
        scene.stage.project, "Bug", "Slow", created_by=scene.maya.azure_devops
    )
    await scene.stage.settle()
    assert of_tickets(scene, number) == []
