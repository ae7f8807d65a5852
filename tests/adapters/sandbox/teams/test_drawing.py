"""Cards and threads in a terminal, read back as the text that was drawn."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from rich.console import Console, RenderableType

from adapters.sandbox.teams import TeamsSandbox
from adapters.sandbox.teams.drawing import draw, draw_conversation
from adapters.sandbox.teams.markdown_text import inline, message_text
from tests.adapters.sandbox.teams.conftest import ConnectorClient, SampleBot
from tests.adapters.sandbox.teams.sample_cards import PULL_REQUEST, UNKNOWN


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The reader's own time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def drawn(renderable: RenderableType, *, styles: bool = False, width: int = 60) -> str:
    console = Console(record=True, width=width, file=_Nowhere(), force_terminal=True)  # type: ignore[arg-type]  # no IO needed
    console.print(renderable)
    return console.export_text(styles=styles)


class _Nowhere:
    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""


def test_a_card_is_a_box_with_a_title_bar_and_a_row_of_buttons() -> None:
    lines = drawn(draw(PULL_REQUEST)).splitlines()

    assert lines[0].startswith("┏━ Pullcord ━")
    assert lines[-1].startswith("┗━")
    assert {len(line) for line in lines} == {60}
    [buttons] = [line for line in lines if "Open ↗" in line]
    assert "│ Approve │" in buttons
    assert "│ Abandon │" in buttons


def test_columns_facts_tables_and_inputs_stand_side_by_side() -> None:
    text = drawn(draw(PULL_REQUEST))
    lines = [" ".join(line.strip("┃ ").split()) for line in text.splitlines()]

    assert "Draft feature/123-lamp → main" in lines
    assert "Author Maya Sample" in lines
    assert "Ticket #123 Lamp" in lines
    assert "Opened Mon, 2 Mar 2026" in lines
    assert "Jonas Sample Approved" in lines
    assert "│ Conflict in lamp.txt │" in lines
    assert "◉ beacon" in lines
    assert "☑ As a draft" in lines
    assert "▣ A lighthouse" in lines
    assert "never shown" not in text


def test_escaped_markdown_is_shown_as_the_words_that_were_meant() -> None:
    assert "!17 Keep the lamp lit *always*" in drawn(draw(PULL_REQUEST))


@pytest.mark.parametrize(
    ("colour", "code"), [("Good", "32"), ("Warning", "33"), ("Attention", "31"), ("Accent", "36")]
)
def test_colours_are_those_of_a_terminal(colour: str, code: str) -> None:
    card = {"body": [{"type": "TextBlock", "text": "state", "color": colour}]}

    assert f"\x1b[{code}mstate" in drawn(draw(card), styles=True)


def test_unknown_and_broken_elements_are_drawn_by_what_they_have() -> None:
    text = drawn(draw(UNKNOWN))

    for words in ("[Votes]", "First page", "Instead of a hologram", "[Widget]", "a **b** [c](d)"):
        assert words in text


@pytest.mark.parametrize("card", [{}, {"body": None}, {"body": {}}, {"actions": 3}])
def test_a_card_with_nothing_says_so(card: dict[str, Any]) -> None:
    assert "(empty card)" in drawn(draw(card))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **b** _c_ [d](https://example.com)", "a b c d"),
        (r"\[not\]\(a link\) 2\*3", "[not](a link) 2*3"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("[red]not rich markup[/red]", "[red]not rich markup[/red]"),
        ("<at>Maya Sample</at> look", "Maya Sample look"),
        ("at {{TIME(2026-03-02T09:30:00Z)}}", "at 10:30"),
        ("at {{TIME(2026-07-02T09:30:00-07:00)}}", "at 18:30"),
        ("on {{DATE(2026-03-01T23:30:00Z)}}", "on 2 Mar 2026"),
        ("on {{DATE(2026-03-02T09:30:00Z, SHORT)}}", "on Mon, 2 Mar 2026"),
        ("on {{DATE(2026-03-02T09:30:00Z,LONG)}}", "on Monday, 2 March 2026"),
        ("at {{DATE(soon)}}", "at {{DATE(soon)}}"),
        ("{{time(2026-03-02T09:30:00Z)}}", "{{time(2026-03-02T09:30:00Z)}}"),
        ("{{ TIME(2026-03-02T09:30:00Z) }}", "{{ TIME(2026-03-02T09:30:00Z) }}"),
        ("{{TIME(2026-03-02T09:30:00.5Z)}}", "{{TIME(2026-03-02T09:30:00.5Z)}}"),
        ("{{TIME(2026-03-02T09:30:00Z, SHORT)}}", "{{TIME(2026-03-02T09:30:00Z, SHORT)}}"),
        ("{{DATE(2026-02-31T09:30:00Z)}}", "{{DATE(2026-02-31T09:30:00Z)}}"),
        ("{{DATE(9999-12-31T23:59:59Z)}}", "{{DATE(9999-12-31T23:59:59Z)}}"),
        ("\x1b[31mred\x1b[0m \u202eright", "·[31mred·[0m ·right"),
        ("\x07bell\r", "·bell·"),
        ("zero\u200bwidth \U0001f469\u200d\U0001f4bb", "zerowidth \U0001f469\u200d\U0001f4bb"),
    ],
)
def test_texts_are_drawn_as_teams_reads_them_and_cannot_steer_the_terminal(
    text: str, shown: str
) -> None:
    assert inline(text).plain == shown


def test_text_runs_are_literal() -> None:
    """Teams works out neither Markdown nor dates in a RichTextBlock."""
    run = {"type": "TextRun", "text": "**a** _b_ {{TIME(2026-03-02T09:30:00Z)}}"}
    card = {"body": [{"type": "RichTextBlock", "inlines": [run, " [c](https://example.com)"]}]}

    said = "**a** _b_ {{TIME(2026-03-02T09:30:00Z)}} [c](https://example.com)"
    assert said in drawn(draw(card), width=100)


def test_only_web_links_can_be_followed() -> None:
    bad, good = inline("[x](javascript:alert)"), inline("[x](https://example.com)")

    assert not [span for span in bad.spans if getattr(span.style, "link", None)]
    assert [span for span in good.spans if getattr(span.style, "link", None)]


async def test_a_thread_is_indented_below_its_post(
    sandbox: TeamsSandbox, bot: SampleBot, client: ConnectorClient
) -> None:
    maya = sandbox.add_person("Maya Sample", "maya@example.com")
    team = sandbox.add_team("Lighthouse")
    channel = sandbox.add_channel(team, "Reviews")
    await sandbox.install(team)
    said = (await sandbox.say(maya, channel, "prs")).message
    assert said is not None
    path = f"v3/conversations/{quote(channel.id)}/activities/{said.activity_id}"
    _, first = await client.call("POST", path, {"type": "message", "text": "One open"})
    await client.call("POST", path, {"type": "message", "text": "Wrong"})
    reply = path.replace(said.activity_id, first["id"])
    await client.call("PUT", reply, {"type": "message", "text": "Two open"})
    said.replies[1].deleted = True

    lines = [line.rstrip() for line in drawn(draw_conversation(channel)).splitlines()]
    assert "Lighthouse › Reviews" in lines[0]
    assert lines[1:] == [
        "Maya Sample  10:30",
        "Pullcord prs",
        "    Pullcord  10:30  edited",
        "    Two open",
        "    Pullcord  10:30",
        "    This message was deleted.",
    ]


def test_the_text_of_a_message_has_entities_and_a_cards_has_none() -> None:
    said = "Maya wrote: *if a &lt; b &amp;&amp; c* **&gt;** &#x202e;x &amp;lt;"
    assert message_text(said).plain == "Maya wrote: *if a < b && c* > ·x &lt;"
    assert inline("a &lt; b").plain == "a &lt; b"
