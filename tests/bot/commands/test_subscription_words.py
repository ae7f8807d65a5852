"""The words of ``subscribe``, and the same from a form."""

import pytest

from bot.commands.command import UsageError
from bot.commands.following import Target
from bot.commands.subscription_words import Value, Wish, parse_form, parse_wish
from bot.notices.filters import Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.places import Places
from bot.notices.wishes import Wishes

SHOP = (Target("Web/shop"),)


@pytest.mark.parametrize(
    ("said", "filters"),
    [
        (
            "target release/* !main label !wip path src/** author !bot drafts announce min 10",
            {
                "target": ("release/*", "!main"),
                "label": ("!wip",),
                "path": ("src/**",),
                "author": ("!bot",),
                "drafts": "announce",
                "min_files": 10,
            },
        ),
        ("into main, refs/heads/dev", {"target": ("main", "dev")}),
        ("author Maya Sample, !Jonas Sample", {"author": ("Maya Sample", "!Jonas Sample")}),
        ("author Maya Sample !Jonas Sample", {"author": ("Maya Sample", "!Jonas Sample")}),
        ('author "Müller, Lena", !"Web Team"', {"author": ("Müller, Lena", "!Web Team")}),
        ("label ready", {"label": ("ready",)}),  # the word after a filter is its value
        ('title "target", x', {"title": ("target", "x")}),
        ("bots target main", {"bots": True, "target": ("main",)}),
        ("bots off min 3 files", {"bots": False, "min_files": 3}),
        ("target any path none", {"target": (), "path": ()}),
        (
            "source feature/* reviewer Web Team",
            {"source": ("feature/*",), "reviewer": ("Web Team",)},
        ),
        (
            "area Web\\Pay type Bug, User Story",
            {"area": ("Web\\Pay",), "type": ("Bug", "User Story")},
        ),
    ],
)
def test_filters_are_read(said: str, filters: dict[str, Value]) -> None:
    assert parse_wish(f"Web/shop {said}") == Wish(SHOP, filters)


@pytest.mark.parametrize(
    ("said", "filters", "place"),
    [
        ("builds every", {"every_build": True}, Place.CHANNEL),
        ("builds all direct", {"every_build": True}, Place.DIRECT),
        ("builds turns", {"every_build": False}, Place.CHANNEL),
    ],
)
def test_every_build_may_be_asked_for(said: str, filters: dict[str, Value], place: Place) -> None:
    assert parse_wish(f"Web/shop {said}") == Wish(SHOP, filters, {EventKind.BUILD: place})


def test_kinds_have_places_and_tickets_and_builds_may_go_without() -> None:
    wish = parse_wish("Web/shop votes card commits thread tickets builds off radar off")
    assert wish.places == {
        EventKind.VOTE: Place.CARD,
        EventKind.COMMITS: Place.THREAD,
        EventKind.TICKET: Place.CHANNEL,
        EventKind.BUILD: Place.OFF,
    }
    assert wish.radar == "off"


def test_several_are_named_with_commas() -> None:
    wish = parse_wish("Web, contoso:Api/core-*, My Project/Two Words target main")
    assert wish.targets == (
        Target("Web"),
        Target("Api/core-*", connection="contoso"),
        Target("My Project/Two Words"),
    )


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "Say which"),
        ("Web target", "Say something after “target”"),
        ("Web target a..b^", "cannot be a branch"),
        ("Web votes nowhere", "card, thread, channel, direct, off"),
        ("Web votes", "card, thread, channel, direct, off"),
        ("Web drafts maybe", "silent, announce or published"),
        ("Web bots maybe", "on or off"),
        ("Web min many", "not a number"),
        ("Web radar maybe", "on, off or digest"),
        ("Web everything else", "after “everything”"),
        ("Web label " + "x" * 201, "cannot be used as a filter"),
        ("Web target " + " ".join(f"b{n}" for n in range(21)), "At most 20"),
        (", ".join(f"P{n}" for n in range(11)), "At most 10"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(said: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_wish(said)


def test_only_what_is_named_changes() -> None:
    before = Wishes(Filters(target=("main",), bots=True), Places(((EventKind.VOTE, Place.OFF),)))
    assert parse_wish("Web/shop").applied(before) == before
    assert parse_wish("Web/shop label x").applied(before).filters == Filters(
        target=("main",), bots=True, label=("x",)
    )
    reset = parse_wish("Web/shop everything label x").applied(before)
    assert reset.filters == Filters(label=("x",))
    assert reset.places == before.places


def test_a_form_says_all_and_empty_fields_take_filters_away() -> None:
    wish = parse_form(
        "contoso:Web/shop",
        {
            "target": "main, release/*",
            "author": '"Müller, Lena", !Web Team',
            "label": "",
            "min_files": "",
            "drafts": "silent",
            "bots": "on",
            "place:vote": "off",
            "place:comment": "",
            "radar": "digest-only",
            "unknown": "x",
        },
    )
    assert wish == Wish(
        (Target("Web/shop", connection="contoso"),),
        {
            "target": ("main", "release/*"),
            "author": ("Müller, Lena", "!Web Team"),
            "label": (),
            "min_files": 0,
            "drafts": "silent",
            "bots": True,
        },
        {EventKind.VOTE: Place.OFF},
        radar="digest-only",
        is_form=True,
    )
