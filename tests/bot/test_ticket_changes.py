"""What of a ticket is news, and how it is said."""

from datetime import UTC, datetime

import pytest

from bot.model import TicketHook
from bot.notices.filters import Filters
from bot.notices.tickets import excerpt, passes, ticket_told, told_of_machines
from bot.ticket_changes import (
    Known,
    TicketAssigned,
    TicketCommented,
    TicketCreated,
    TicketMoved,
    is_same_person,
    ticket_changes,
)

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MAYA, JONAS = "Maya Sample <maya@example.com>", "Jonas Sample <jonas@example.com>"


def hook(
    kind: str = "updated",
    *,
    rev: int = 2,
    state: str = "New",
    assigned: str = "",
    by: str = MAYA,
    comment: str = "",
    old: dict[str, str] | None = None,
    partial: bool = False,
) -> TicketHook:
    fields = {"System.State": state, "System.Title": "Slow"}
    if assigned:
        fields["System.AssignedTo"] = assigned
    if partial:
        fields = {}
    return TicketHook(
        kind=f"workitem.{kind}",
        number=12,
        rev=rev,
        project_name="Shop",
        type="Bug",
        title="Slow",
        state=state,
        at=NOW,
        changed_by=by,
        comment=comment,
        fields=fields,
        old=old or {},
    )


def test_a_new_ticket_is_created_and_nothing_else() -> None:
    known, changes = ticket_changes(None, hook("created", rev=1, assigned=JONAS))
    assert known == Known(1, "New", JONAS)
    assert changes == (TicketCreated("created", JONAS),)


def test_a_state_is_compared_with_what_was_told_last() -> None:
    known, changes = ticket_changes(Known(1, "New", ""), hook(rev=5, state="Resolved"))
    assert changes == (TicketMoved("state:5", "New", "Resolved"),)
    assert ticket_changes(known, hook(rev=4, state="Active")) == (known, ())
    assert ticket_changes(known, hook(rev=5, state="Resolved")) == (known, ())


def test_of_a_ticket_never_seen_the_update_itself_says_what_was_before() -> None:
    seen = hook(rev=7, state="Active", assigned=JONAS, old={"System.State": "New"})
    known, changes = ticket_changes(None, seen)
    assert known == Known(7, "Active", JONAS)
    assert changes == (TicketMoved("state:7", "New", "Active"),)


def test_a_creation_that_is_drawn_late_hides_no_update() -> None:
    known, changes = ticket_changes(None, hook("created", rev=3, state="Active"))
    assert [type(change) for change in changes] == [TicketCreated]
    update = hook(rev=2, state="Active", old={"System.State": "New"})
    known, changes = ticket_changes(known, update)
    assert changes == (TicketMoved("state:2", "New", "Active"),)
    assert ticket_changes(known, hook(rev=3, state="Active"))[1] == ()


def test_an_assignment_is_news_and_so_is_its_end() -> None:
    known, changes = ticket_changes(Known(1, "New", ""), hook(rev=2, assigned=JONAS))
    assert changes == (TicketAssigned("assigned:2", "", JONAS),)
    _, changes = ticket_changes(known, hook(rev=3))
    assert changes == (TicketAssigned("assigned:3", JONAS, ""),)


def test_a_new_display_name_is_no_new_assignment() -> None:
    known = Known(1, "New", "Jonas Sample <JONAS@example.com>")
    _, changes = ticket_changes(known, hook(rev=2, assigned="Jonas S. <jonas@example.com>"))
    assert changes == ()


def test_what_a_body_leaves_out_stays() -> None:
    known, changes = ticket_changes(Known(1, "New", JONAS), hook(rev=2, partial=True))
    assert (known, changes) == (Known(2, "New", JONAS), ())


def test_a_comment_is_told_by_its_own_webhook_only() -> None:
    known = Known(2, "New", "")
    _, changes = ticket_changes(known, hook("commented", rev=3, comment="Look"))
    assert [type(change) for change in changes] == [TicketCommented]
    assert ticket_changes(known, hook("updated", rev=3, comment="Look"))[1] == ()
    assert ticket_changes(known, hook("commented", rev=3, comment=" "))[1] == ()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (MAYA, "Maya S. <MAYA@example.com>", True),
        (MAYA, JONAS, False),
        ("Maya Sample", MAYA, True),
        ("", "", True),
        ("", MAYA, False),
        (r"Maya <ACME\maya>", r"M. <acme\MAYA>", True),
    ],
)
def test_people_are_the_same_by_account(one: str, other: str, expected: bool) -> None:
    assert is_same_person(one, other) is expected


@pytest.mark.parametrize(
    ("seen", "known", "to_assignee", "expected"),
    [
        (hook("created", assigned=JONAS), None, False, "created Bug 12 Slow for Jonas Sample"),
        (hook("created", assigned=JONAS), None, True, "created Bug 12 Slow for you"),
        (hook("created", assigned=MAYA), None, False, "created Bug 12 Slow"),
        (hook(state="Active"), Known(1, "New", ""), False, "moved Bug 12 Slow from New to Active"),
        (hook(assigned=JONAS), Known(1, "New", ""), True, "assigned Bug 12 Slow to you"),
        (hook(assigned=MAYA), Known(1, "New", JONAS), False, "took Bug 12 Slow"),
        (hook(), Known(1, "New", JONAS), False, "unassigned Bug 12 Slow, which Jonas Sample had"),
        (
            hook(state="Active", assigned=JONAS),
            Known(1, "New", ""),
            False,
            "moved Bug 12 Slow from New to Active and assigned it to Jonas Sample",
        ),
    ],
)
def test_the_sentences(
    seen: TicketHook, known: Known | None, to_assignee: bool, expected: str
) -> None:
    _, changes = ticket_changes(known, seen)
    assert ticket_told(seen, changes, to_assignee=to_assignee) == f"Maya Sample {expected}"


def test_checks_20_a_comment_is_plain_text_and_cut() -> None:
    assert excerpt("<p>One <b>two</b></p><script>x()</script><p>3</p>") == "One two 3"
    assert excerpt("a_b * c & d") == "a_b * c & d"
    assert len(excerpt("<div>" * 9_000 + "word " * 9_000)) <= 200


@pytest.mark.parametrize(
    ("area", "type_", "expected"),
    [
        ((), (), True),
        (("Shop",), (), True),
        ((r"Shop\Pay",), (), True),
        (("Pay",), (), True),
        ((r"pay\cards",), (), True),
        ((r"Shop\Pa",), (), False),
        ((r"Shop\Ship",), (), False),
        (("!Shop\\Pay",), (), False),
        (("*", r"!Pay\Cards"), (), False),
        ((), ("bug",), True),
        ((), ("Task",), False),
        ((), ("!Bug",), False),
    ],
)
def test_an_area_holds_those_below_it(
    area: tuple[str, ...], type_: tuple[str, ...], expected: bool
) -> None:
    filters = Filters(area=area, type=type_)
    assert passes(filters, r"Shop\Pay\Cards", "Bug") is expected


def test_machines_are_told_of_where_they_are_wanted() -> None:
    by_machine = hook(by=r"Shop Build Service (contoso) <Build\1234>")
    assert not told_of_machines(Filters(), by_machine)
    assert told_of_machines(Filters(bots=True), by_machine)
    assert told_of_machines(Filters(), hook())
