"""A pull request's life, as the channel and the people see it (issue 2, point 4)."""

import pytest

from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene

CHECKOUT_TOTAL = "def total(prices):\n    return {}\n"


async def test_the_channel_has_one_card_and_a_reply_for_each_event(scene: Scene) -> None:
    maya, jonas = scene.maya.azure_devops, scene.jonas.azure_devops
    pull_request = await scene.opens(scene.maya, "Pay later", draft=True, reviewers=[jonas])
    assert scene.cards(pull_request, scene.channel) == []  # drafts are told when published
    await scene.azure.publish(pull_request, maya)  # of which no service hook tells
    await scene.sweeps()
    assert "Waiting for Jonas Sample" in scene.card_text(pull_request)

    branch = pull_request.source_ref.removeprefix("refs/heads/")
    commit = await scene.azure.commit(
        scene.stage.repository, branch, {"later.txt": "1"}, maya, "More"
    )
    await scene.stage.settle()
    await scene.azure.vote(pull_request, jonas, -5)
    await scene.stage.settle()
    await scene.azure.comment(pull_request, jonas, "Why later?")
    await scene.stage.settle()
    await scene.azure.vote(pull_request, jonas, 10)
    await scene.stage.settle()
    await scene.azure.complete(pull_request, maya)
    await scene.stage.settle()

    assert scene.thread(pull_request) == [
        "Published: ready for review",
        f"1 new commit, now at {commit[:7]}",
        "Jonas Sample waits for the author",
        "Jonas Sample commented: Why later?",
        "Jonas Sample approved",
        "Completed by Maya Sample",
    ]
    text = scene.card_text(pull_request)
    assert "Completed by Maya Sample" in text
    assert "✓ Jonas Sample" in text


async def test_a_push_says_how_many_commits_or_that_it_was_forced(scene: Scene) -> None:
    maya = scene.maya.azure_devops
    shop = scene.stage.repository
    pull_request = await scene.opens(scene.maya, "Pay later")
    branch = pull_request.source_ref.removeprefix("refs/heads/")
    for number in range(3):
        await scene.azure.commit(shop, "main", {"main.txt": str(number)}, maya, "On main")
    await scene.stage.settle()
    merged = await scene.azure.merge_branch(shop, branch, "main", maya)
    await scene.stage.settle()
    forced = await scene.azure.force_push(shop, branch, {"later.txt": "1"}, maya, "All in one")
    await scene.stage.settle()

    assert scene.thread(pull_request)[1:] == [
        f"1 new commit, now at {merged[:7]}",
        f"Force-pushed, now at {forced[:7]}",
    ]
    told = [(entry.after or {}) for entry in await scene.audit("commits_pushed")]
    assert [(entry["count"], entry["is_rewritten"]) for entry in told] == [(1, False), (0, True)]


async def test_the_end_of_its_build_is_seen_in_the_checks_of_the_card(scene: Scene) -> None:
    """A status fires no service hook; the end of the pull request's own build does."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    robot = scene.azure.add_person("Build Service", "build@example.com")
    assert "Checks:" not in scene.card_text(pull_request)
    for state, shown in (("pending", "1 running"), ("failed", "1 failed"), ("succeeded", "1 pass")):
        await scene.azure.set_pull_request_status(pull_request, robot, state, "web", genre="ci")
        await scene.azure.complete_build(
            scene.stage.repository,
            robot,
            definition="web",
            branch=f"refs/pull/{pull_request.id}/merge",
        )
        await scene.stage.settle()
        assert shown in scene.card_text(pull_request)
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]

    before = len(scene.azure.calls)
    await scene.azure.complete_build(scene.stage.repository, robot, definition="nightly")
    await scene.stage.settle()
    asked = [call.path for call in scene.azure.calls[before:]]
    assert not [path for path in asked if "pullrequests" in path.lower()], "it is a branch's build"
    kinds = {row.event_type: row.state for row in await scene.inbox()}
    assert kinds["build.complete"] == "done"


async def test_a_conflict_is_told_once_and_its_end_once(opened: OpenScene) -> None:
    scene = await opened(remerge_on_target_push=True)
    await scene.move_in()
    mine, hers = {"checkout.py": "mine\n"}, {"checkout.py": "hers\n"}
    first = await scene.opens(scene.maya, "Mine", files=mine)
    second = await scene.opens(scene.priya, "Hers", files=hers)
    await scene.azure.complete(first, scene.maya.azure_devops)
    await scene.stage.settle()
    assert "Conflicts with main" in scene.card_text(second)
    branch = second.source_ref.removeprefix("refs/heads/")
    resolved = {"checkout.py": "both\n"}
    await scene.azure.merge_branch(
        scene.stage.repository, branch, "main", scene.priya.azure_devops, resolved=resolved
    )
    await scene.stage.settle()

    thread = scene.thread(second)
    assert thread[0] == "Priya Sample opened this pull request"
    assert thread[1].startswith("#2 Hers merges cleanly again")  # the alert, green in place
    assert sum("Clean again" in reply for reply in thread) == 1
    assert scene.direct(scene.priya) == ["#2 Hers merges cleanly again"]
    assert scene.direct(scene.maya) == []  # hers is clean


async def test_a_push_to_the_target_is_enough_to_see_a_conflict(scene: Scene) -> None:
    """Azure DevOps does not promise an event when the target moved: the push makes us look."""
    pull_request = await scene.opens(scene.maya, "Mine", files={"checkout.py": "mine\n"})
    await scene.azure.commit(
        scene.stage.repository, "main", {"checkout.py": "ours\n"}, scene.priya.azure_devops, "Push"
    )
    await scene.azure.set_merge_outcome(pull_request, "conflicts")
    await scene.stage.settle()
    assert len(scene.alerts(pull_request)) == 1


async def test_people_hear_only_what_needs_them(scene: Scene) -> None:
    jonas = scene.jonas.azure_devops
    pull_request = await scene.opens(scene.maya, "Pay later", reviewers=[jonas])
    chat = scene.chat_of(scene.jonas)
    assert "Waiting for your review" in scene.card_text(pull_request, chat)
    assert scene.direct(scene.maya) == []  # her own doing is no news to her

    await scene.azure.vote(pull_request, jonas, 5)
    await scene.stage.settle()
    assert scene.direct(scene.maya) == [
        f"Jonas Sample approved #{pull_request.id} Pay later with suggestions. "
        "Nothing stands in its way now: you can complete it"
    ]
    await scene.azure.complete(pull_request, scene.priya.azure_devops)
    await scene.stage.settle()
    assert scene.direct(scene.maya)[1:] == [f"Priya Sample completed #{pull_request.id} Pay later"]
    # Jonas' one card was updated in place; nothing else was said to him.
    assert "Completed by Priya Sample" in scene.card_text(pull_request, chat)
    assert len(scene.direct(scene.jonas)) == 1
    assert scene.direct(scene.priya) == []


async def test_an_abandoned_pull_request_can_come_back(scene: Scene) -> None:
    maya = scene.maya.azure_devops
    pull_request = await scene.opens(scene.maya, "Pay later")
    await scene.azure.abandon(pull_request, maya)
    await scene.stage.settle()
    assert "Abandoned" in scene.card_text(pull_request)
    await scene.azure.reactivate(pull_request, maya)
    await scene.stage.settle()
    assert scene.thread(pull_request) == [
        "Maya Sample opened this pull request",
        "Abandoned by Maya Sample",
        "Reactivated",
    ]


async def test_a_group_chat_follows_a_repository_without_threads(scene: Scene) -> None:
    group = scene.teams.add_group_chat([scene.maya.teams, scene.priya.teams], "Payments")
    await scene.teams.install(group)
    await scene.stage.settle()
    said = await scene.says(scene.priya, "subscribe Shop/web", group)
    assert "follows Shop/web" in said[-1]
    pull_request = await scene.opens(scene.maya, "Pay later")
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    assert "✓ Jonas Sample" in scene.card_text(pull_request, group)
    texts = [message.text for message in group.messages if message.from_bot and message.text]
    assert any(f"#{pull_request.id} Pay later: Jonas Sample approved" in t for t in texts), texts


async def test_a_card_that_somebody_deleted_is_posted_anew(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    first = scene.card(pull_request)
    first.deleted = True
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    card = scene.card(pull_request)
    assert card is not first
    assert scene.thread(pull_request) == ["Jonas Sample approved"]


async def test_a_comment_after_the_card_was_deleted_is_told_below_a_new_card(
    scene: Scene,
) -> None:
    """A comment changes nothing on the card, so no update would notice that the card is gone."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    scene.card(pull_request).deleted = True
    await scene.azure.comment(pull_request, scene.jonas.azure_devops, "Why?")
    await scene.stage.settle()
    assert scene.thread(pull_request) == ["Jonas Sample commented: Why?"]
    assert [row.state for row in await scene.outbox() if row.state == "dead"] == []


async def test_a_branch_with_slashes_is_shown_whole(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    branch = pull_request.source_ref.removeprefix("refs/heads/")
    assert f"{branch} → main" in scene.card_text(pull_request)


@pytest.mark.parametrize("times", [2, 50])
async def test_a_bot_started_again_says_nothing_twice(scene: Scene, times: int) -> None:
    """Whatever comes again after a restart has been told (CHECKS 3)."""
    pull_request = await scene.opens(scene.maya, "Pay later")
    before = scene.thread(pull_request)
    await scene.stage.restart_bot()
    for body in scene.hook_bodies("git.pullrequest.created"):
        for _ in range(times):
            assert await scene.sends_hook(body) == 202
    await scene.stage.settle()
    assert scene.thread(pull_request) == before
