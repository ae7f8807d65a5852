"""Filters and places in the whole product: hooks in, cards and replies out, over HTTP."""

from adapters.sandbox.teams import render_text
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene


async def test_only_what_passes_the_filters_is_told(opened: OpenScene) -> None:
    scene = await opened()
    await scene.move_in(subscribe="Shop/web path src/**, !src/gen/** title pay")
    told = await scene.opens(scene.maya, "Pay later", files={"src/pay.py": "x = 1\n"})
    docs = await scene.opens(scene.maya, "Pay docs", files={"docs/pay.md": "x\n"})
    generated = await scene.opens(scene.maya, "Pay gen", files={"src/gen/a.py": "x\n"})
    other = await scene.opens(scene.maya, "Search", files={"src/search.py": "x\n"})
    assert len(scene.cards(told, scene.channel)) == 1
    for quiet in (docs, generated, other):
        assert scene.cards(quiet, scene.channel) == []


async def test_files_are_asked_for_once_per_commit_and_only_where_a_filter_needs_them(
    opened: OpenScene,
) -> None:
    scene = await opened()
    await scene.move_in(subscribe="Shop/web")

    def calls() -> int:
        """How often a commit's files were asked for; not what a branch gained, for the sweep."""
        asked = [call for call in scene.azure.calls if "diffs/commits" in call.path]
        return sum(call.query["targetVersionType"] == "commit" for call in asked)

    await scene.opens(scene.maya, "One")
    assert calls() == 0
    await scene.says(scene.priya, "subscribe Shop/web path **/*.txt")
    two = await scene.opens(scene.maya, "Two")
    assert calls() == 1
    await scene.azure.vote(two, scene.jonas.azure_devops, 10)
    await scene.stage.settle()
    await scene.sweeps()
    assert calls() == 1
    assert len(scene.cards(two, scene.channel)) == 1


async def test_labels_decide_when_something_happens(opened: OpenScene) -> None:
    scene = await opened()
    await scene.move_in(subscribe="Shop/web label urgent, !wip")
    plain = await scene.opens(scene.maya, "Plain")
    urgent = await scene.opens(scene.maya, "Urgent", labels=["urgent"])
    both = await scene.opens(scene.maya, "Both", labels=["urgent", "WIP"])
    assert [len(scene.cards(one, scene.channel)) for one in (plain, urgent, both)] == [0, 1, 0]


async def test_a_fresh_subscription_is_quiet_and_places_are_kept(opened: OpenScene) -> None:
    scene = await opened()
    await scene.move_in(subscribe="Shop/web")
    made = await scene.opens(scene.maya, "Pay later")
    assert scene.thread(made) == []
    await scene.says(scene.priya, "subscribe Shop/web completed channel published off")
    await scene.azure.complete(made, scene.jonas.azure_devops)
    await scene.stage.settle()
    assert scene.thread(made) == []
    own = [
        render_text(message).split("\n")[0]
        for message in scene.channel.messages
        if message.from_bot
    ]
    assert f"#{made.id} Pay later: Completed by Jonas Sample" in own


async def test_a_paused_channel_hears_nothing_until_it_is_resumed(scene: Scene) -> None:
    await scene.says(scene.priya, "pause")
    missed = await scene.opens(scene.maya, "Missed")
    await scene.says(scene.priya, "resume")
    told = await scene.opens(scene.maya, "Told")
    assert scene.cards(missed, scene.channel) == []
    assert len(scene.cards(told, scene.channel)) == 1


async def test_what_a_person_follows_comes_into_his_chat_as_he_chose(scene: Scene) -> None:
    chat = scene.chat_of(scene.priya)
    said = await scene.says(scene.priya, "subscribe Shop/web completed direct", chat)
    assert "You now follow Shop/web" in said[0]
    made = await scene.opens(scene.maya, "Pay later")
    assert len(scene.cards(made, chat)) == 1
    await scene.azure.complete(made, scene.jonas.azure_devops)
    await scene.stage.settle()
    assert f"#{made.id} Pay later: Completed by Jonas Sample" in scene.direct(scene.priya)
