"""Commands in a channel, a group chat and a personal chat (issue 2, points 5 and 6)."""

import copy
import re

import pytest

from adapters.sandbox.teams import Conversation, render_text
from bot.cli.demo.stage import CONNECTION
from bot.ports import utc_now
from storage import inbox
from storage.queries import connections, links
from storage.secrets import new_webhook_secret
from tests.end_to_end.conftest import OpenScene
from tests.end_to_end.scene import Scene

DESCRIPTION = "<p>People want to <b>pay later</b>.</p>"
CRITERIA = "<ul><li>An invoice is sent</li><li>A reminder after 14 days</li></ul>"


def add_ticket(scene: Scene, title: str = "Pay later") -> int:
    return scene.azure.add_work_item(
        scene.stage.project,
        "User Story",
        title,
        description=DESCRIPTION,
        acceptance_criteria=CRITERIA,
    )


async def place(scene: Scene, kind: str) -> Conversation:
    if kind == "channel":
        return scene.channel
    if kind == "personal":
        return scene.chat_of(scene.priya)
    group = scene.teams.add_group_chat([scene.priya.teams, scene.maya.teams], "Payments")
    await scene.teams.install(group)
    await scene.stage.settle()
    return group


@pytest.mark.parametrize("kind", ["channel", "group", "personal"])
async def test_a_ticket_becomes_branch_file_and_draft_pull_request(scene: Scene, kind: str) -> None:
    ticket = add_ticket(scene)
    where = await place(scene, kind)
    scene.azure.calls.clear()
    said = await scene.says(scene.priya, f"start ticket {ticket} in Shop/web", where)

    (made,) = scene.azure.pull_requests
    branch = f"feature/{ticket}-pay-later"
    assert made.source_ref == f"refs/heads/{branch}"
    assert made.is_draft
    assert "- [ ] An invoice is sent" in made.description
    file = await scene.azure.read_file(scene.stage.repository, f".tickets/{ticket}.md", branch)
    assert file is not None
    item = scene.azure.work_item(ticket)
    assert item.fields["System.State"] == "Active"
    stored = await scene.read(lambda s: links.of_ticket(s, CONNECTION, ticket))
    assert [link.pull_request for link in stored] == [made.id]
    assert f"#{made.id}" in "\n".join(said)
    assert "Ticket #" in scene.card_text(made, where)

    again = await scene.says(scene.priya, f"start ticket {ticket} in Shop/web", where)
    assert len(scene.azure.pull_requests) == 1
    assert len(again) == 1
    assert "Started already" in again[0]
    scene.card(made, where)


@pytest.mark.parametrize("kind", ["channel", "group", "personal"])
async def test_sync_pr_finds_what_no_hook_told(scene: Scene, kind: str) -> None:
    where = await place(scene, kind)
    ticket = add_ticket(scene)
    pull_request = await scene.opens(scene.maya, f"Pay later #{ticket}")
    scene.azure.hooks.drop(lambda _: True)
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    said = await scene.says(scene.priya, f"sync PR {pull_request.id}", where)
    assert said
    assert "✓ Jonas Sample" in scene.card_text(pull_request)
    assert scene.thread(pull_request).count("Jonas Sample approved") == 1
    assert f"#{ticket}" in scene.card_text(pull_request)


COMMANDS = {
    "help": "start ticket",
    "HELP start ticket": "start ticket",
    "/whoami": "Priya Sample",
    "strat ticket 1": "start ticket",
    "start ticket": "start ticket 123",
    "prs web": "Pay later",
    "ticket 4711": "4711",
    "status": CONNECTION,
}


@pytest.mark.parametrize("kind", ["channel", "group", "personal"])
async def test_every_command_is_answered_once(scene: Scene, kind: str) -> None:
    await scene.opens(scene.maya, "Pay later")
    where = await place(scene, kind)
    for text, answer in COMMANDS.items():
        said = await scene.says(scene.priya, text, where)
        assert len(said) == 1, (text, said)
        assert answer in said[0], (text, said)


async def test_a_message_without_mention_in_a_channel_is_not_for_us(scene: Scene) -> None:
    answer = await scene.teams.say(scene.priya.teams, scene.channel, "help", mention=False)
    assert answer.attempts == 0


async def test_unsubscribed_the_channel_is_quiet(scene: Scene) -> None:
    await scene.says(scene.priya, "unsubscribe Shop/web")
    pull_request = await scene.opens(scene.maya, "Pay later")
    assert scene.cards(pull_request, scene.channel) == []


async def test_the_card_s_button_reads_the_pull_request_anew(scene: Scene) -> None:
    pull_request = await scene.opens(scene.maya, "Pay later")
    scene.azure.hooks.drop(lambda _: True)
    await scene.azure.vote(pull_request, scene.jonas.azure_devops, 10)
    pressed = await scene.teams.press(scene.priya.teams, scene.card(pull_request), "Sync")
    assert pressed.status == 200
    await scene.stage.settle()
    assert "✓ Jonas Sample" in scene.card_text(pull_request)


# --- injection ----------------------------------------------------------------------------------

WILD = {
    "a mention": "<at>Maya Sample</at> look",
    "a script link": "[click](javascript:alert(1)) now",
    "a foreign link": "[click](https://evil.example/x) now",
    "an image": "![x](https://evil.example/track.png)",
    "HTML": "<b>bold</b><script>alert(1)</script>",
    "right to left": "abc\u202egnp.exe\u200b\u2066 end",
    "new lines": "first\nsecond\r\n# third",
    "long": "long " * 60,
}


async def test_texts_from_azure_devops_stay_text_CHECKS_20(scene: Scene) -> None:
    jonas = scene.jonas.azure_devops
    made = [
        await scene.opens(scene.maya, title, reviewers=[jonas], settle=False)
        for title in WILD.values()
    ]
    for pull_request, title in zip(made, WILD.values(), strict=True):
        await scene.azure.comment(pull_request, jonas, title)
    await scene.stage.settle()
    places = (scene.channel, scene.chat_of(scene.jonas), scene.chat_of(scene.maya))
    shown = [m for where in places for m in where.all_messages() if m.from_bot]
    for message in shown:
        assert message.mentions == []
        for text in markdown_of(message.activity):
            assert not re.search(r"(?<!\\)\]\(|<[a-z]", text), text
        for mark in ("\u202e", "\u200b", "\u2066"):
            assert mark not in render_text(message)
        for url in urls(message.activity):
            assert url.startswith(scene.azure.base_url), url
    for pull_request in made:
        assert len(scene.card_text(pull_request)) < 1500
        assert any("commented" in reply for reply in scene.thread(pull_request))


def markdown_of(node: object) -> list[str]:
    """Every text that Teams draws as Markdown or HTML; a TextRun is plain text."""
    if isinstance(node, list):
        return [text for child in node for text in markdown_of(child)]
    if not isinstance(node, dict) or node.get("type") == "TextRun":
        return []
    own = [v for k, v in node.items() if k in ("text", "title", "value") and isinstance(v, str)]
    return own + [text for child in node.values() for text in markdown_of(child)]


def urls(node: object) -> list[str]:
    """Every address that a card would open or load."""
    if isinstance(node, list):
        return [url for child in node for url in urls(child)]
    if isinstance(node, dict):
        own = [v for k, v in node.items() if k in ("url", "iconUrl") and isinstance(v, str)]
        own = [url for url in own if not url.startswith("icon:")]
        return own + [url for key, child in node.items() if key != "msteams" for url in urls(child)]
    return []


# --- the operator's part of it --------------------------------------------------------------------


async def test_old_and_new_secret_are_both_good_until_the_rotation_ends(scene: Scene) -> None:
    old, new = scene.stage.webhook_secret, new_webhook_secret()
    body = {"id": "x", "eventType": "tfvc.checkin"}
    assert await scene.sends_hook(body, secret=old) == 202

    db = scene.stage.bot.db
    await db.write(lambda s: connections.set_webhook_secret(s, CONNECTION, new))
    await scene.stage.restart_bot()  # the door knows it at once
    assert [await scene.sends_hook(body, secret=one) for one in (old, new)] == [202, 202]

    db = scene.stage.bot.db
    await db.write(lambda s: connections.end_rotation(s, CONNECTION))
    await scene.stage.restart_bot()
    assert [await scene.sends_hook(body, secret=one) for one in (old, new)] == [401, 202]


async def test_a_dead_letter_is_counted_and_run_again_once_it_is_understood(
    opened: OpenScene,
) -> None:
    scene = await opened()
    await scene.move_in()
    pull_request = await scene.opens(scene.maya, "Pay later")
    (body,) = scene.hook_bodies("git.pullrequest.created")
    broken = copy.deepcopy(body) | {"id": "broken", "notificationId": 99}
    del broken["resource"]["pullRequestId"]
    assert await scene.sends_hook(broken) == 202
    await scene.stage.settle()
    assert (await scene.metrics())['pullcord_inbox{state="dead"}'] == 1

    # As an upgrade would: now it is understood.
    parse = scene.stage.bot.services.parse_hook
    object.__setattr__(
        scene.stage.bot.services,
        "parse_hook",
        lambda raw, name: parse(raw.replace(b'"resource": {', b'"resource": {"pullRequestId": 1,')
                                if b"broken" in raw else raw, name),
    )  # fmt: skip
    assert await scene.stage.bot.db.write(lambda s: inbox.retry_dead(s, now=utc_now())) == 1
    await scene.stage.settle()
    assert (await scene.metrics())['pullcord_inbox{state="dead"}'] == 0
    assert scene.thread(pull_request) == ["Maya Sample opened this pull request"]


async def test_a_shared_channel_gets_its_own_cards_and_people_of_elsewhere_may_nothing(
    scene: Scene,
) -> None:
    """CHECKS 24, and what docs/teams.md says of private and shared channels."""
    team = scene.channel.team
    assert team is not None
    outside = scene.teams.add_person("Olga Sample", "olga@example.org", tenant_id="1" * 8)
    shared = scene.teams.add_channel(team, "Partners", "shared", [scene.priya.teams, outside])
    await scene.teams.install(shared, by=scene.priya.teams)
    await scene.stage.settle()
    for words in ("prs", "subscribe Shop/web"):
        asked = await scene.teams.say(outside, shared, words)
        await scene.stage.settle()
        assert asked.message is not None
        (reply,) = asked.message.replies
        assert "or belong to another organisation" in render_text(reply)
    (answer,) = await scene.says(scene.priya, "subscribe Shop/web", shared)
    assert "now follows Shop/web" in answer
    made = await scene.opens(scene.maya, "Both see it")
    assert len(scene.cards(made, shared)) == len(scene.cards(made, scene.channel)) == 1
