"""The radar on real git: both authors hear once, and what is not true any more is gone."""

import json
from datetime import timedelta
from functools import partial

from sqlmodel import Session, col, select

from adapters.sandbox.azure_devops import SandboxIdentity
from bot.cards.radar_alert import draw_radar_alert, load_pair
from bot.conflicts.episodes import FLAP
from bot.conflicts.radar_runner import CALLS_PER_HOUR, Radar
from bot.conflicts.radar_scan import ASK_AGAIN_AFTER, TRIAL_CALLS
from bot.prepared import prepare, remember_alert
from storage import outbox
from storage.queries import radar as radar_rows
from storage.queries import subscriptions
from storage.tables import ConversationRow, OutboxRow, PullRequestRow, RadarPair
from tests.bot.releasing import release_due
from tests.bot.workflows.conftest import CHANNEL, CONNECTION, World, world
from tests.claimed import in_hand

__all__ = ["world"]


def radar(world: World, calls_per_hour: int = CALLS_PER_HOUR) -> Radar:
    return Radar(world.services, calls_per_hour=calls_per_hour)


async def opened(
    world: World, branch: str, author: SandboxIdentity, text: str = "", file: str = "README.md"
) -> int:
    """A pull request that changes one file, known to the bot."""
    await world.sandbox.commit(world.shop, branch, {file: text or branch}, author, branch)
    made = await world.sandbox.create_pull_request(world.shop, author, branch, title=branch)
    await world.reads.read(CONNECTION, made.id, cause="test")
    return made.id


async def pairs(world: World) -> list[RadarPair]:
    statement = select(RadarPair).order_by(col(RadarPair.id))
    return list(await world.read(lambda s: s.exec(statement).all()))


async def shown(world: World, row: OutboxRow) -> str:
    """The card of a message as it would be sent now."""
    card = await world.read(lambda s: draw_radar_alert(load_pair(s, row.radar_pair_id or 0)).card)
    return json.dumps(card, ensure_ascii=False)


async def deliver(world: World) -> None:
    """Teams took what waits."""
    await release_due(world.db, world.clock())

    def take(session: Session) -> None:
        for row in session.exec(select(OutboxRow).where(OutboxRow.state == "pending")).all():
            chat = row.conversation_id or f"a:{row.person_id}"
            if session.get(ConversationRow, chat) is None:
                made = {
                    "kind": "personal",
                    "service_url": "https://smba.example/",
                    "tenant_id": "t",
                }
                session.add(ConversationRow(id=chat, created_at=world.clock(), **made))
                session.flush()
            outbox.address(session, row.id, conversation_id=chat)
            session.refresh(row)
            if row.kind == "alert":
                remember_alert(session, in_hand(row), f"hash-{row.id}", f"m{row.id}", world.clock())
            outbox.mark_sent(session, {row.id: f"m{row.id}"}, now=world.clock())

    await world.db.write(take)


async def told(world: World) -> list[OutboxRow]:
    """The messages, after what waited to be told was looked at."""
    await release_due(world.db, world.clock())
    return [row for row in await world.outbox() if row.key.startswith("radar:")]


def trials(world: World) -> int:
    return sum(call.startswith("POST") and "/merges" in call for call in world.calls())


async def backlog(world: World) -> tuple[int, int]:
    """(pairs, pull requests whose files are not known) that the last round left."""
    (row,) = await world.read(radar_rows.backlogs)
    return row.pairs, row.unread


async def test_both_authors_hear_once_with_both_links(world: World) -> None:
    await world.subscribe()
    first = await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    report = await radar(world).run()
    assert (report.files_read, report.merges_tried, report.failures) == (2, 1, {})
    rows = await told(world)
    assert sorted(row.person_id or 0 for row in rows) == [world.maya.id, world.jonas.id]
    for row in rows:
        card = await shown(world, row)
        assert "whoever completes second will have a conflict in **README.md**" in card
        assert f"pullrequest/{first})" in card
        assert f"pullrequest/{second})" in card
    (pair,) = await pairs(world)
    assert (pair.files, pair.ended_at) == (["/README.md"], None)

    asked = len(world.calls())
    assert (await radar(world).run()).merges_tried == 0  # a restart, too, asks nothing again
    assert len(world.calls()) == asked
    assert len(await told(world)) == 2
    assert len(await pairs(world)) == 1


async def test_files_that_are_shared_and_merge_are_tried_once_and_not_told(world: World) -> None:
    text = "".join(f"line {number}\n" for number in range(40))
    await world.sandbox.commit(world.shop, "main", {"long.txt": text}, world.maya_there, "long")
    await world.subscribe()
    await opened(world, "one", world.maya_there, "first\n" + text, file="long.txt")
    await opened(world, "two", world.jonas_there, text + "last\n", file="long.txt")
    await opened(world, "three", world.jonas_there, "x", file="other.txt")
    report = await radar(world).run()
    assert (report.files_read, report.merges_tried) == (3, 1)
    assert await pairs(world) == []
    assert await told(world) == []
    assert await backlog(world) == (0, 0)


async def test_different_targets_are_no_pair(world: World) -> None:
    await world.sandbox.create_branch(world.shop, "next", world.maya_there)
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    await world.sandbox.commit(world.shop, "two", {"README.md": "two"}, world.jonas_there, "two")
    made = await world.sandbox.create_pull_request(
        world.shop, world.jonas_there, "two", target="next", title="two"
    )
    await world.reads.read(CONNECTION, made.id, cause="test")
    assert (await radar(world).run()).merges_tried == 0


async def test_it_is_gone_when_one_is_closed_and_unsent_messages_go_with_it(world: World) -> None:
    await world.subscribe()
    first = await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    await radar(world).run()
    assert len(await told(world)) == 2
    await world.sandbox.abandon(first, world.maya_there)
    await world.reads.read(CONNECTION, first, cause="test")
    await radar(world).run()
    (pair,) = await pairs(world)
    assert pair.ended_by == "closed"
    assert {row.state for row in await told(world)} == {"dropped"}


async def test_what_was_sent_says_in_its_place_that_it_is_over(world: World) -> None:
    await world.subscribe()
    first = await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    await radar(world).run()
    await deliver(world)
    sent = await told(world)
    await world.sandbox.abandon(first, world.maya_there)
    await world.reads.read(CONNECTION, first, cause="test")
    await radar(world).run()
    updates = [row for row in await world.outbox() if row.key.startswith("alert/")]
    assert sorted(row.conversation_id for row in updates) == sorted(
        row.conversation_id for row in sent
    )
    assert f"{first} was abandoned" in await shown(world, updates[0])
    for row in updates:
        prepared = await world.read(partial(prepare, row=in_hand(row), now=world.clock()))
        assert prepared is not None
        assert prepared.update_of in {f"m{each.id}" for each in sent}


async def test_a_pair_that_is_clean_again_says_so_and_one_that_is_back_warns_again(
    world: World,
) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    await radar(world).run()
    await deliver(world)
    for changes, said in (
        ({"other.txt": "mine"}, "do not conflict any more"),
        ({"README.md": "three"}, "whoever completes second"),
    ):
        await world.sandbox.force_push(world.shop, "two", changes, world.jonas_there, "again")
        await world.reads.read(CONNECTION, second, cause="test")
        await radar(world).run()
        updates = [
            row
            for row in await world.outbox()
            if row.key.startswith("alert/") and row.state == "pending"
        ]
        assert len(updates) == 2
        assert said in await shown(world, updates[0])
        await deliver(world)
    assert len(await told(world)) == 2  # nobody was sent a second message


async def test_a_fix_ends_it_and_a_later_conflict_is_told_again(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    running = radar(world)
    await running.run()

    async def push(changes: dict[str, str]) -> None:
        await world.sandbox.force_push(world.shop, "two", changes, world.jonas_there, "again")
        await world.reads.read(CONNECTION, second, cause="test")
        await running.run()

    await push({"other.txt": "mine"})
    assert [pair.ended_by for pair in await pairs(world)] == ["clean"]
    await push({"README.md": "three"})
    (again,) = await pairs(world)  # within the flap: the same episode, told no second time
    assert again.ended_at is None
    assert [row.state for row in await told(world)] == ["pending"] * 2  # nothing was sent yet
    await push({"other.txt": "mine too"})
    world.clock.advance(seconds=FLAP.total_seconds() + 1)
    await push({"README.md": "four"})
    assert [pair.ended_at is None for pair in await pairs(world)] == [False, True]
    assert len(await told(world)) == 4


async def test_new_commits_that_still_conflict_are_not_told_again(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    await radar(world).run()
    tip = await world.sandbox.commit(
        world.shop, "two", {"README.md": "more"}, world.jonas_there, "more"
    )
    await world.reads.read(CONNECTION, second, cause="test")
    await radar(world).run()
    (pair,) = await pairs(world)
    assert (pair.second_commit, pair.ended_at) == (tip, None)
    assert len(await told(world)) == 2


async def test_a_pair_whose_new_commits_are_not_tried_yet_goes_on_until_they_are(
    world: World,
) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    second = await opened(world, "two", world.jonas_there)
    poor = radar(world, calls_per_hour=3 + TRIAL_CALLS)
    await poor.run()
    text = {"README.md": "shop\n", "other.txt": "x"}
    await world.sandbox.commit(world.shop, "two", {"README.md": "2"}, world.jonas_there, "more")
    await world.reads.read(CONNECTION, second, cause="test")
    assert (await poor.run()).merges_tried == 0
    assert [pair.ended_at for pair in await pairs(world)] == [None]
    await world.sandbox.force_push(world.shop, "two", text, world.jonas_there, "again")
    await world.reads.read(CONNECTION, second, cause="test")
    await radar(world).run()
    assert [pair.ended_by for pair in await pairs(world)] == ["clean"]


async def test_the_budget_holds_newest_pairs_first_and_the_rest_is_counted(world: World) -> None:
    await world.subscribe()
    for name in ("one", "two", "three"):
        await opened(world, name, world.maya_there)
    running = radar(world, calls_per_hour=3 + TRIAL_CALLS)
    assert (await running.run()).merges_tried == 1
    assert await backlog(world) == (2, 0)
    (pair,) = await pairs(world)
    newest = await world.read(lambda s: s.get_one(PullRequestRow, pair.second_id))
    assert newest.title == "three"
    assert (await radar(world, calls_per_hour=3 + TRIAL_CALLS).run()).merges_tried == 0
    world.clock.advance(hours=1)
    assert (await running.run()).merges_tried == 2
    assert await backlog(world) == (0, 0)
    assert trials(world) == 3


async def test_a_budget_of_nothing_asks_nothing(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    world.sandbox.calls.clear()
    await radar(world, calls_per_hour=0).run()
    assert world.calls() == []
    assert await backlog(world) == (0, 2)


async def test_off_is_not_looked_at_and_digest_only_is_not_told(world: World) -> None:
    await world.subscribe(options={"radar": "off"})
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    world.sandbox.calls.clear()
    await radar(world).run()
    assert world.calls() == []

    def choose(mode: str, session: Session) -> None:
        (row,) = subscriptions.of_conversation(session, CHANNEL)
        row.options = {"radar": mode}

    await world.db.write(partial(choose, "digest-only"))
    await radar(world).run()
    assert len(await pairs(world)) == 1
    assert await told(world) == []
    await world.db.write(partial(choose, "on"))
    for _ in range(2):
        await radar(world).run()
        assert len(await told(world)) == 2  # of a pair that was there before they asked, once
    assert len(await pairs(world)) == 1


async def test_repositories_nobody_follows_and_drafts_are_left_alone(world: World) -> None:
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    world.sandbox.calls.clear()
    await radar(world).run()
    assert world.calls() == []
    await world.subscribe()
    draft = await opened(world, "three", world.jonas_there)
    await world.sandbox.set_draft(draft, world.jonas_there, True)
    await world.reads.read(CONNECTION, draft, cause="test")
    assert (await radar(world).run()).merges_tried == 1


async def test_one_author_of_both_hears_once(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.maya_there)
    await radar(world).run()
    assert len(await told(world)) == 1


async def test_azure_devops_down_is_reported_and_made_up_for(world: World) -> None:
    """CHECKS 6: what was not asked is asked when it is back."""
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    await world.sandbox.take_down()
    running = radar(world)
    assert "cannot be reached" in (await running.run()).failures[CONNECTION]
    await world.sandbox.bring_up()
    await running.run()
    assert len(await pairs(world)) == 1


async def test_a_merge_that_fails_is_no_conflict_and_is_asked_again_later(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    await opened(world, "two", world.jonas_there)
    body = {"typeKey": "GitCommitDoesNotExistException", "message": "TF401175: no such commit"}
    world.sandbox.faults.add("POST", r"/merges", status=404, body=body, times=1)
    running = radar(world)
    await running.run()
    assert await pairs(world) == []
    assert await backlog(world) == (1, 0)
    assert (await running.run()).merges_tried == 0
    world.clock.advance(seconds=ASK_AGAIN_AFTER.total_seconds() + 1)
    await running.run()
    assert len(await pairs(world)) == 1


async def test_a_round_after_changes_is_none_when_nothing_changed(world: World) -> None:
    await world.subscribe()
    await opened(world, "one", world.maya_there)
    running = radar(world)
    assert (await running.run_changed()).files_read == 1
    assert (await running.run_changed()).files_read == 0
    await opened(world, "two", world.jonas_there)
    report = await running.run_changed()
    assert (report.files_read, report.merges_tried) == (1, 1)
    world.clock.now += timedelta(minutes=1)
    assert (await running.run_changed()).merges_tried == 0
