"""``conflicts``: what is blocked and what will be, and the truth about one, as people see it."""

import pytest

from adapters.sandbox.azure_devops import SandboxIdentity
from adapters.sandbox.teams import render_text
from bot.commands.catalogue import REGISTRY
from bot.commands.command import UsageError
from bot.commands.conflicts import Wanted, parse
from bot.commands.registry import manifest_commands
from bot.commands.text import Reference
from bot.conflicts.radar_runner import Radar
from bot.links import pull_request_url
from bot.teams_model import ConversationKind
from tests.bot.talking import CONNECTION, Talk


async def opened(talk: Talk, branch: str, author: SandboxIdentity, text: str = "") -> int:
    """A pull request that changes README.md."""
    await talk.azure.commit(talk.shop, branch, {"README.md": text or branch}, author, branch)
    made = await talk.azure.create_pull_request(talk.shop, author, branch, title=f"Do {branch}")
    await talk.record(made.id)
    return made.id


async def push_to_main(talk: Talk, text: str = "theirs") -> None:
    await talk.azure.commit(talk.shop, "main", {"README.md": text}, talk.jonas_there, "Direct")


async def blocked(talk: Talk, branch: str = "one") -> int:
    """A pull request of which Azure DevOps says that it has conflicts."""
    await talk.azure.create_branch(talk.shop, branch, talk.maya_there)
    await talk.azure.commit(talk.shop, branch, {"README.md": branch}, talk.maya_there, branch)
    await push_to_main(talk, f"not {branch}")
    made = await talk.azure.create_pull_request(
        talk.shop, talk.maya_there, branch, title=f"Do {branch}"
    )
    await talk.record(made.id)
    return made.id


def page(talk: Talk, number: int) -> str:
    return pull_request_url(talk.azure.base_url, "Shop", "shop", number)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("", Wanted()), ("!12", Wanted(Reference(12))), ("a:12", Wanted(Reference(12, "a")))],
)
def test_it_is_understood(typed: str, wanted: Wanted) -> None:
    assert parse(typed) == wanted


@pytest.mark.parametrize("typed", ["12 13", "all", "x"])
def test_what_is_not_right_gets_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError):
        parse(typed)


def test_the_manifest_keeps_the_commands_that_it_had() -> None:
    listed = [each["title"] for each in manifest_commands(REGISTRY, ConversationKind.CHANNEL)]
    assert listed[-1] == "whoami"
    assert "conflicts" not in listed


async def test_blocked_ones_come_first_then_pairs_with_links_and_buttons(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop")
    stuck = await blocked(talk)
    first = await opened(talk, "two", talk.maya_there)
    second = await opened(talk, "three", talk.jonas_there)
    await Radar(talk.services).run()
    await talk.settle()
    talk.heard()
    talk.clock.now = talk.clock.now.replace(hour=12)
    message = await talk.say_and_see("conflicts")
    said = render_text(message)
    assert "1 blocked by conflicts and" in said
    assert f"**Conflicts**: [{stuck} Do one]({page(talk, stuck)})" in said
    pair = f"[{first} Do two]({page(talk, first)}) ↔ [{second} Do three]({page(talk, second)})"
    assert pair in said
    assert said.index("Do one") < said.index(pair)
    assert "README.md" in said
    assert f"Open {stuck}" in said
    assert f"Check {stuck}" in said
    assert "whoever completes second will have a conflict" in said


async def test_nothing_is_blocked_is_said_too(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop", to=talk.channel)
    await talk.pull_request("Fine", talk.maya_there)
    assert "No conflicts" in await talk.say("conflicts", to=talk.channel)


async def test_a_channel_that_follows_nothing_is_told_how(talk: Talk) -> None:
    assert "subscribe" in await talk.say("conflicts", to=talk.channel)


async def test_in_the_personal_chat_without_subscriptions_ones_own_are_listed(talk: Talk) -> None:
    stuck = await blocked(talk)
    assert f"{stuck} Do one" in await talk.say("conflicts")
    assert "No conflicts" in await talk.say("conflicts", by=talk.jonas)


async def test_a_closed_one_is_not_listed_and_ends_its_pairs_at_once(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop")
    first = await opened(talk, "two", talk.maya_there)
    await opened(talk, "three", talk.jonas_there)
    await Radar(talk.services).run()
    assert "Do two" in await talk.say("conflicts")
    await talk.azure.abandon(first, talk.maya_there)
    await talk.record(first)
    assert "No conflicts" in await talk.say("conflicts")


async def test_one_with_conflicts_is_told_with_files_and_kinds(talk: Talk) -> None:
    stuck = await blocked(talk)
    message = await talk.say_and_see(f"conflicts {stuck}")
    said = render_text(message)
    assert f"{stuck} has conflicts with main" in said
    assert "**README.md**: both changed" in said
    assert "my own trial merge" not in said
    assert f"{page(talk, stuck)}?_a=conflicts" in str(message.versions)


async def test_one_that_azure_devops_has_not_merged_again_is_tried_and_said_so(talk: Talk) -> None:
    number = await opened(talk, "two", talk.maya_there)
    await push_to_main(talk)
    said = await talk.say(f"conflicts {number}")
    assert f"{number} has conflicts with main" in said
    assert "my own trial merge" in said
    assert "Changed on both sides" in said
    assert "**README.md**" in said
    tip = await talk.azure.tip(talk.shop, "main")
    assert tip is not None
    link = f"[{tip[:7]}]({talk.azure.base_url}/Shop/_git/shop/commit/{tip})"
    assert f"Changed on main by\nJonas Sample: {link} Direct" in said


async def test_a_clean_one_can_merge_and_its_pair_is_named(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop")
    first = await opened(talk, "two", talk.maya_there)
    second = await opened(talk, "three", talk.jonas_there)
    await Radar(talk.services).run()
    said = await talk.say(f"conflicts {CONNECTION}:{first}")
    assert f"{first} can merge into main" in said
    assert f"It will conflict with [{second} Do three]({page(talk, second)})" in said
    await talk.azure.complete(second, talk.jonas_there)
    await talk.record(second)
    after = await talk.say(f"conflicts {first}")
    assert f"{first} has conflicts with main" in after
    assert "It will conflict" not in after


async def test_a_failed_merge_is_no_conflict(talk: Talk) -> None:
    number = await opened(talk, "two", talk.maya_there)
    await talk.azure.set_merge_outcome(number, "rejectedByPolicy", message="Too large")
    said = await talk.say(f"conflicts {number}")
    assert "has conflicts" not in said
    assert "That is no conflict" in said


async def test_without_the_right_to_try_the_old_word_is_told_as_old(talk: Talk) -> None:
    number = await opened(talk, "two", talk.maya_there)
    await push_to_main(talk)
    body = {"typeKey": "GitNeedsPermissionException", "message": "TF401027: You need the right"}
    talk.azure.faults.add("POST", r"/merges", status=403, body=body)
    said = await talk.say(f"conflicts {number}")
    assert "this is what was true before" in said
    assert "You need the right" in said


async def test_a_closed_and_a_missing_one_are_told(talk: Talk) -> None:
    number = await opened(talk, "two", talk.maya_there)
    await talk.azure.abandon(number, talk.maya_there)
    assert f"{number} is abandoned" in await talk.say(f"conflicts {number}")
    assert "There is no pull request 4711" in await talk.say("conflicts 4711")


async def test_azure_devops_down_is_told(talk: Talk) -> None:
    """CHECKS 6: commands answer that Azure DevOps cannot be reached."""
    number = await opened(talk, "two", talk.maya_there)
    await talk.azure.take_down()
    assert "cannot be reached" in await talk.say(f"conflicts {number}")


async def test_names_from_outside_are_no_markup(talk: Talk) -> None:
    """CHECKS 20: a title stays text in the list and in the answer."""
    await talk.say("subscribe Shop/shop")
    stuck = await blocked(talk)
    await talk.azure.edit_pull_request(
        stuck, talk.maya_there, {"title": "[x](javascript:alert(1)) <at>all</at>"}
    )
    await talk.record(stuck)
    for said in (await talk.say("conflicts"), await talk.say(f"conflicts {stuck}")):
        assert "\\[x\\](javascript:" in said
        assert "\\<at\\>all" in said


async def test_the_radar_is_switched_per_subscription(talk: Talk) -> None:
    said = await talk.say("subscribe Shop/shop radar off")
    assert "is not looked at" in said
    first = await opened(talk, "two", talk.maya_there)
    await opened(talk, "three", talk.jonas_there)
    assert (await Radar(talk.services).run()).merges_tried == 0
    assert "follow Shop/shop already" in await talk.say("subscribe Shop/shop")  # it stays off
    assert (await Radar(talk.services).run()).merges_tried == 0
    assert "Changed" in await talk.say("subscribe Shop/shop radar digest")
    assert (await Radar(talk.services).run()).merges_tried == 1
    await talk.settle()
    assert talk.heard() == []
    assert f"{first} Do two" in await talk.say("conflicts")


async def test_what_the_radar_left_unchecked_is_in_status(talk: Talk) -> None:
    await talk.say("subscribe Shop/shop")
    await opened(talk, "two", talk.maya_there)
    await opened(talk, "three", talk.jonas_there)
    await Radar(talk.services, calls_per_hour=0).run()
    assert "the files of 2 pull requests" in await talk.say("status")
    await Radar(talk.services, calls_per_hour=2).run()
    assert "still to check 1 pair" in await talk.say("status")
    await Radar(talk.services).run()
    assert "radar" not in await talk.say("status")
