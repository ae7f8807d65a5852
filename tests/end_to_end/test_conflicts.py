"""Merge conflicts with real git: each episode is one alert, to the author and in the thread.

Azure DevOps does not merge again by itself here when a target moves, unless a test says so.
"""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from adapters.sandbox.azure_devops import SandboxPullRequest
from adapters.sandbox.teams import render_text
from bot.cli.demo.stage import CONNECTION, SamplePerson
from storage.tables import ConflictEpisode, Connection, MergeStatusRow, PullRequestRow
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene

MINE, OURS = {"checkout.py": "mine\n"}, {"checkout.py": "ours\n"}
BASE = "".join(f"line {n}\n" for n in range(20))


async def episodes(scene: Scene) -> list[ConflictEpisode]:
    return await scene.read(
        lambda s: list(s.exec(select(ConflictEpisode).order_by(col(ConflictEpisode.id))).all())
    )


async def pushes(
    scene: Scene, files: Mapping[str, str | None], branch: str = "main", by: str = "priya"
) -> str:
    """Somebody pushes to a branch by hand."""
    person: SamplePerson = getattr(scene, by)
    commit = await scene.azure.commit(
        scene.stage.repository, branch, files, person.azure_devops, "By hand"
    )
    await scene.stage.settle()
    return commit


def branch_of(pull_request: SandboxPullRequest) -> str:
    return pull_request.source_ref.removeprefix("refs/heads/")


async def told_once(scene: Scene, pull_request: SandboxPullRequest, author: SamplePerson) -> str:
    """There is one open episode with one alert in the thread and one in the author's chat."""
    found = await episodes(scene)
    assert [(e.number, e.ended_at) for e in found] == [(pull_request.id, None)]
    assert found[0].told_at is not None
    [alert] = scene.alerts(pull_request)
    [direct] = scene.alerts(pull_request, scene.chat_of(author))
    assert direct == f"{alert} [Why did I get this?]"
    assert "Conflicts with main" in scene.card_text(pull_request)
    for other in (scene.maya, scene.jonas, scene.priya):
        if other is not author:
            assert scene.alerts(pull_request, scene.chat_of(other)) == []
    return alert


async def posted_statuses(scene: Scene) -> dict[int, str]:
    """The status that each pull request has in Azure DevOps, by its number."""

    def read(session: Session) -> dict[int, str]:
        rows = session.exec(select(MergeStatusRow)).all()
        return {
            session.get_one(PullRequestRow, row.pull_request_id).number: row.posted_state
            for row in rows
        }

    return await scene.read(read)


@pytest.fixture
async def remerging(opened: OpenScene) -> Scene:
    """Azure DevOps merges again by itself when a target moves."""
    made = await opened(remerge_on_target_push=True)
    await made.move_in()
    return made


async def test_each_kind_of_conflict_is_told_with_file_kind_and_cause(remerging: Scene) -> None:
    scene = remerging
    await pushes(scene, {"a.txt": BASE, "b.txt": BASE})
    mine: dict[str, str | None] = {
        "checkout.py": "mine\n",
        "a.txt": None,
        "b.txt": f"{BASE}mine\n",
        "new.txt": "mine\n",
    }
    pull_request = await scene.opens(scene.maya, "Mine", files=mine)  # type: ignore[arg-type]  # None deletes
    commit = await pushes(
        scene,
        {"checkout.py": "ours\n", "a.txt": f"{BASE}ours\n", "b.txt": None, "new.txt": "ours\n"},
    )
    alert = await told_once(scene, pull_request, scene.maya)
    assert "4 files in conflict:" in alert
    for kind in (
        "checkout.py  both changed",
        "a.txt  deleted here, changed on the target",
        "b.txt  changed here, deleted on the target",
        "new.txt  both added",
    ):
        assert kind in alert
    assert f"Priya Sample  {commit[:7]}  By hand" in alert
    assert "own finding" not in alert
    branch = branch_of(pull_request)
    assert f"git fetch origin && git checkout {branch} && git merge origin/main" in alert


async def test_a_merge_attempted_webhook_alone_tells_it_with_ten_files_and_a_count(
    remerging: Scene,
) -> None:
    scene = remerging
    names = [f"part-{n:02}.txt" for n in range(12)]
    pull_request = await scene.opens(scene.maya, "Mine", files=dict.fromkeys(names, "mine\n"))
    hooks = scene.azure.hooks.subscriptions
    for id_ in [id_ for id_, hook in hooks.items() if hook.event_type != "git.pullrequest.merged"]:
        del hooks[id_]
    await pushes(scene, dict.fromkeys(names, "ours\n"))
    alert = await told_once(scene, pull_request, scene.maya)
    assert "12 files in conflict:" in alert
    assert [name for name in names if name in alert] == names[:10]
    assert "and 2 more" in alert


async def test_a_rename_on_both_sides_is_told_as_one(remerging: Scene) -> None:
    scene = remerging
    await pushes(scene, {"old.txt": BASE})
    pull_request = await scene.opens(
        scene.maya,
        "Mine",
        files={"old.txt": None, "mine.txt": BASE},  # type: ignore[dict-item]  # None deletes
    )
    await pushes(scene, {"old.txt": None, "ours.txt": BASE})
    assert "renamed" in await told_once(scene, pull_request, scene.maya)


async def test_completing_another_one_is_named_as_the_cause_with_its_number(scene: Scene) -> None:
    first = await scene.opens(scene.priya, "Hers", files=OURS)
    second = await scene.opens(scene.maya, "Mine", files=MINE)
    await scene.azure.complete(first, scene.priya.azure_devops)
    await scene.stage.settle()
    alert = await told_once(scene, second, scene.maya)
    assert f"Priya Sample  #{first.id}" in alert
    assert "Azure DevOps does not name the files; 1 file changed on both sides:" in alert
    assert "Pullcord's own finding" in alert
    assert "Pullcord's own finding" in scene.card_text(second)
    assert scene.alerts(first) == []


async def test_an_own_finding_is_azure_devops_word_once_it_agrees(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    assert "own finding" in await told_once(scene, pull_request, scene.maya)
    await pushes(scene, {"more.txt": "more\n"}, branch_of(pull_request), by="maya")
    alert = await told_once(scene, pull_request, scene.maya)
    assert "own finding" not in alert
    assert "checkout.py  both changed" in alert
    assert "own finding" not in scene.card_text(pull_request)


async def test_an_own_finding_gives_way_when_azure_devops_says_clean(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await scene.azure.force_push(
        scene.stage.repository,
        branch_of(pull_request),
        {"other.txt": "other\n"},
        scene.maya.azure_devops,
        "Begin again",
    )
    await scene.stage.settle()
    [episode] = await episodes(scene)
    assert episode.ended_by == "source"
    assert "Merges cleanly" in scene.card_text(pull_request)
    thread = scene.thread(pull_request)
    assert sum("Clean again after" in reply for reply in thread) == 1
    assert f"by Maya Sample's push to {branch_of(pull_request)}" in thread[-1]


async def test_a_merge_by_hand_turns_the_alert_green_without_a_word_to_the_author(
    remerging: Scene,
) -> None:
    scene = remerging
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await told_once(scene, pull_request, scene.maya)
    messages = len(scene.direct(scene.maya))
    await scene.azure.merge_branch(
        scene.stage.repository,
        branch_of(pull_request),
        "main",
        scene.maya.azure_devops,
        resolved={"checkout.py": "both\n"},
    )
    await scene.stage.settle()
    [episode] = await episodes(scene)
    assert episode.ended_by == "source"
    assert await posted_statuses(scene) == {pull_request.id: "succeeded"}
    for alert in (
        *scene.alerts(pull_request),
        *scene.alerts(pull_request, scene.chat_of(scene.maya)),
    ):
        assert alert.startswith(f"#{pull_request.id} Mine merges cleanly again")
        assert "git fetch" not in alert
    assert len(scene.direct(scene.maya)) == messages
    assert sum("Clean again after" in reply for reply in scene.thread(pull_request)) == 1


async def test_a_target_forced_back_is_clean_again_by_the_target(scene: Scene) -> None:
    before = await scene.azure.tip(scene.stage.repository, "main")
    assert before is not None
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await told_once(scene, pull_request, scene.maya)
    await scene.azure.force_push(
        scene.stage.repository,
        "main",
        {"elsewhere.txt": "x\n"},
        scene.priya.azure_devops,
        "Forced",
        onto=before,
    )
    await scene.stage.settle()
    [episode] = await episodes(scene)
    assert episode.ended_by == "target"
    assert "by Priya Sample's push to main" in scene.thread(pull_request)[-1]
    assert "Blocked" not in scene.card_text(pull_request)


async def test_targeting_another_branch_begins_and_ends_an_episode(scene: Scene) -> None:
    await scene.azure.create_branch(
        scene.stage.repository, "release", scene.priya.azure_devops, start_from="main"
    )
    await pushes(scene, OURS, "release")
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await scene.azure.retarget(pull_request, scene.maya.azure_devops, "release")
    await scene.stage.settle()
    await scene.sweeps()
    [alert] = scene.alerts(pull_request)
    assert f"#{pull_request.id} Mine has conflicts with release" in alert
    await scene.azure.retarget(pull_request, scene.maya.azure_devops, "main")
    await scene.stage.settle()
    await scene.sweeps()
    [episode] = await episodes(scene)
    assert episode.ended_by == "retarget"
    assert "by Maya Sample, who chose main" in scene.thread(pull_request)[-1]


async def test_abandoning_ends_it_and_the_alert_says_so(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await scene.azure.abandon(pull_request, scene.maya.azure_devops)
    await scene.stage.settle()
    [episode] = await episodes(scene)
    assert episode.ended_by == "abandoned"
    assert f"#{pull_request.id} Mine was abandoned" in scene.alerts(pull_request)[0]
    assert not any("Clean again" in reply for reply in scene.thread(pull_request))


async def test_a_conflict_that_comes_back_at_once_is_the_same_episode(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await pushes(scene, {"checkout.py": "mine\n"})  # the same change on both sides: clean
    assert "merges cleanly again" in scene.alerts(pull_request)[0]
    await pushes(scene, {"checkout.py": "again\n"})
    await told_once(scene, pull_request, scene.maya)


async def test_one_that_comes_back_later_is_a_new_episode(opened: OpenScene) -> None:
    scene = await opened(conflict_flap_seconds=0)
    await scene.move_in()
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await pushes(scene, {"checkout.py": "mine\n"})
    await pushes(scene, {"checkout.py": "again\n"})
    assert [e.ended_at is None for e in await episodes(scene)] == [False, True]
    assert len(scene.alerts(pull_request)) == 2
    assert len(scene.alerts(pull_request, scene.chat_of(scene.maya))) == 2


@pytest.mark.parametrize("hooks", ["lost", "doubled", "reversed"])
async def test_webhooks_lost_doubled_or_reversed_change_nothing(
    remerging: Scene, hooks: str
) -> None:
    """CHECKS 3, 5 and 10 with conflicts in play."""
    scene = remerging
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    if hooks == "lost":
        scene.azure.hooks.subscriptions.clear()
    await pushes(scene, OURS)
    await scene.sweeps()
    await told_once(scene, pull_request, scene.maya)
    bodies = [
        body
        for kind in ("git.pullrequest.created", "git.push", "git.pullrequest.merged")
        for body in scene.hook_bodies(kind)
    ]
    assert bodies or hooks == "lost"
    for body in reversed(bodies) if hooks == "reversed" else bodies:
        assert await scene.sends_hook(body | {"id": f"again-{body['id']}"}) == 202
    await scene.stage.settle()
    await scene.sweeps()
    await told_once(scene, pull_request, scene.maya)


async def test_a_restart_before_it_is_told_tells_it_once(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await scene.stage.bot.stop()
    await scene.azure.commit(
        scene.stage.repository, "main", OURS, scene.priya.azure_devops, "By hand"
    )
    scene.stage.bot = scene.stage.make_bot()
    await scene.stage.start_bot()
    await scene.stage.settle()
    await scene.sweeps()
    await told_once(scene, pull_request, scene.maya)
    await scene.stage.restart_bot()
    await scene.sweeps()
    await told_once(scene, pull_request, scene.maya)


async def test_a_restart_in_an_episode_forgets_no_alert(remerging: Scene) -> None:
    scene = remerging
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await scene.stage.restart_bot()
    await pushes(scene, {"checkout.py": "mine\n"})
    [alert] = scene.alerts(pull_request)
    assert "merges cleanly again" in alert


async def test_without_azure_devops_it_is_told_without_files(remerging: Scene) -> None:
    """What cannot be asked within 30 s is told all the same, and completed later in place."""
    scene = remerging
    chat = scene.chat_of(scene.maya)
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    scene.azure.faults.add("GET", r"/conflicts", status=503)
    scene.azure.faults.add("GET", r"diffs/commits", status=503)
    await scene.azure.commit(
        scene.stage.repository, "main", OURS, scene.priya.azure_devops, "By hand"
    )
    while not await episodes(scene):
        await scene.azure.hooks.idle()
    await scene.stage.bot.db.write(_make_older)
    scene.stage.bot.watch.wake()
    while not scene.alerts(pull_request) or not scene.alerts(pull_request, chat):
        await scene.read(lambda s: None)
    assert (
        "The files are not known yet: Azure DevOps could not be asked."
        in (scene.alerts(pull_request)[0])
    )
    scene.azure.faults.clear()
    await scene.stage.bot.db.write(_make_due)
    scene.stage.bot.watch.wake()
    await scene.stage.settle()
    alert = await told_once(scene, pull_request, scene.maya)
    assert "checkout.py  both changed" in alert


def _make_older(session: Session) -> None:
    for row in session.exec(select(ConflictEpisode)).all():
        row.opened_at -= timedelta(minutes=1)
        row.due_at = row.opened_at
        session.add(row)


def _make_due(session: Session) -> None:
    for row in session.exec(select(ConflictEpisode)).all():
        row.due_at = row.opened_at
        session.add(row)


async def test_many_pull_requests_on_one_target_cost_two_calls_and_a_trial_where_files_meet(
    scene: Scene,
) -> None:
    made = [
        await scene.opens(scene.maya, f"Part {n}", files={f"f{n}.txt": "a\n"}, settle=False)
        for n in range(8)
    ]
    await scene.stage.settle()
    await pushes(scene, {"elsewhere.txt": "x\n"})  # the files of all are known from here on
    scene.azure.calls.clear()
    await pushes(scene, {"f3.txt": "b\n"})
    calls = [f"{call.method} {call.path}" for call in scene.azure.calls]
    looks = [call for call in calls if call.endswith(("/pullrequests", "/refs", "/diffs/commits"))]
    trials = [call for call in calls if call.startswith("POST") and call.endswith("/merges")]
    # One list, one comparison; then two comparisons for the files of the one that conflicts.
    assert (len(looks), len(trials)) == (4, 1), calls
    assert [e.number for e in await episodes(scene)] == [made[3].id]
    scene.azure.calls.clear()
    await pushes(scene, {"f3.txt": "c\n"}, branch="elsewhere")
    assert scene.azure.calls == []  # nothing open has that target


async def test_each_state_is_posted_once_for_each_iteration_from_the_first_clean_merge_on(
    scene: Scene,
) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await scene.sweeps()
    await pushes(scene, {"checkout.py": "mine\n"})
    await scene.azure.commit(
        scene.stage.repository,
        branch_of(pull_request),
        {"more.txt": "more\n"},
        scene.maya.azure_devops,
        "More",
    )
    await scene.stage.settle()
    await scene.sweeps()
    posted = [(status.state, status.iteration_id) for status in pull_request.statuses]
    assert posted == [("succeeded", 1), ("failed", 1), ("succeeded", 1), ("succeeded", 2)]
    assert {(status.genre, status.name) for status in pull_request.statuses} == {
        ("pullcord", "mergeable")
    }


async def test_a_connection_can_do_without_the_status_or_have_it_for_conflicts_only(
    scene: Scene,
) -> None:
    def choose(session: Session, mode: str) -> None:
        row = session.get_one(Connection, CONNECTION)
        row.settings = {**row.settings, "post_status": mode}
        session.add(row)

    await scene.stage.bot.db.write(lambda s: choose(s, "off"))
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await told_once(scene, pull_request, scene.maya)
    assert not [
        call for call in scene.azure.calls if "/statuses" in call.path and call.method == "POST"
    ]
    await scene.stage.bot.db.write(lambda s: choose(s, "conflicts"))
    await scene.stage.restart_bot()  # else what is open already has it within the hour
    untouched = await scene.opens(scene.jonas, "His")
    await pushes(scene, {"checkout.py": "mine\n"})
    assert [status.state for status in pull_request.statuses] == ["failed", "succeeded"]
    assert untouched.statuses == []


async def test_a_draft_is_told_to_its_author_and_to_the_channel_when_published(
    scene: Scene,
) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE, draft=True)
    await pushes(scene, OURS)
    assert len(scene.alerts(pull_request, scene.chat_of(scene.maya))) == 1
    assert scene.alerts(pull_request) == []
    await scene.azure.publish(pull_request, scene.maya.azure_devops)
    await scene.sweeps()
    assert len(scene.alerts(pull_request)) == 1
    assert len(scene.alerts(pull_request, scene.chat_of(scene.maya))) == 1


async def test_who_snoozed_is_not_alerted_and_the_channel_is(opened: OpenScene) -> None:
    scene = await opened(conflict_flap_seconds=0)
    await scene.move_in()
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    [answer] = await scene.says(
        scene.maya, f"snooze conflict {pull_request.id}", scene.chat_of(scene.maya)
    )
    assert "do not alert you of its conflicts" in answer
    [answer] = await scene.says(scene.jonas, f"snooze conflict {pull_request.id}")
    assert "do not alert Jonas Sample of its conflicts" in answer
    await pushes(scene, {"checkout.py": "mine\n"})
    await pushes(scene, {"checkout.py": "again\n"})
    assert len(scene.alerts(pull_request)) == 2
    assert len(scene.alerts(pull_request, scene.chat_of(scene.maya))) == 1


async def test_an_alert_that_somebody_deleted_is_not_posted_again(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    [alert] = [m for m in scene.card(pull_request).replies if "has conflicts" in render_text(m)]
    alert.deleted = True
    await pushes(scene, {"checkout.py": "mine\n"})
    assert scene.alerts(pull_request) == []
    assert [row.reason for row in await scene.outbox() if row.state == "dead"] == []
    assert any("Clean again" in reply for reply in scene.thread(pull_request))


async def test_auto_complete_that_waits_on_a_conflict_says_so_in_the_alert(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Mine", files=MINE)
    await pushes(scene, OURS)
    await scene.azure.set_auto_complete(pull_request, scene.maya.azure_devops)
    await scene.sweeps()
    assert "Auto-complete is set and will not happen" in scene.alerts(pull_request)[0]
