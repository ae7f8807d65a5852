"""Every card that is drawn from what is known, by the module that draws it and its state."""

from dataclasses import replace
from datetime import date, time, timedelta

from bot.builds import Turn
from bot.cards.build import draw_build
from bot.cards.conflict_alert import draw_conflict_alert
from bot.cards.digest import Digest, DigestLine, digest_card
from bot.cards.direct import direct_card, news_card, reply_message
from bot.cards.held_news import About, held_card
from bot.cards.pull_request import draw_pull_request
from bot.cards.radar_alert import PairView, draw_radar_alert
from bot.cards.reminder import Line, reminder_card
from bot.cards.settings_form import SettingsView, settings_form
from bot.cards.subscription_form import SubscriptionForm, draw_subscription_form
from bot.cards.subscription_trouble import unreadable_card
from bot.cards.ticket_news import draw_ticket_news
from bot.cards.welcome import welcome_card
from bot.commands.settings_words import kind_input
from bot.model import Build
from bot.notices.builds import build_result, build_turned
from bot.notices.filters import Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.places import Places
from bot.notices.reasons import KIND_TITLES, PERSONAL_KINDS, Role
from bot.notices.wishes import Wishes
from bot.preferences import Delivery, Preferences, WorkingHours
from bot.subscribing import Subscribed
from bot.teams_model import ConversationKind, OutgoingMessage
from bot.turn_handling import failure_card
from storage.tables import PullRequestRow, RepositoryRow
from tests.bot.pull_request_samples import MAYA, at
from tests.cards.pull_requests import (
    ALERTS,
    BASE,
    LONG_TITLE,
    NOW,
    PULL_REQUESTS,
    SHOP,
)
from tests.cards.told_samples import told_samples

Samples = dict[str, OutgoingMessage]
WAITING = PULL_REQUESTS["waiting"]
PAGE = WAITING.page_url()
BUILD = Build(
    id=7,
    number="20261120.7",
    project_id="project-shop",
    project_name="Shop",
    definition_id=1,
    definition="web-ci",
    result="failed",
    source_ref="refs/heads/main",
    repository_id="repo-web",
    repository_name="web",
    finished_at=at(600),
    web_url=f"{BASE}/Shop/_build/results?buildId=7",
    requested_for=MAYA,
)


def samples() -> Samples:
    """The cards by name, ``pull_request-waiting``: module and state."""
    return {
        **{f"pull_request-{name}": draw_pull_request(v) for name, v in PULL_REQUESTS.items()},
        **{f"conflict_alert-{name}": draw_conflict_alert(a) for name, a in ALERTS.items()},
        "conflict_alert-to-author": draw_conflict_alert(
            replace(ALERTS["open"], reader=Role.AUTHOR)
        ),
        **_radar(),
        **_direct(),
        **_held(),
        **_settings(),
        **_subscriptions(),
        **_reminders(),
        **_digests(),
        **_builds_and_tickets(),
        **{f"welcome-{kind.name.lower()}": welcome_card(kind) for kind in ConversationKind},
        "failure": failure_card("a1b2c3"),
        **told_samples(),
    }


def _radar() -> Samples:
    return {
        "radar_alert-one-file": _pair(("/src/cart.py",)),
        "radar_alert-many-files": _pair(tuple(f"/src/shop/cart_{n}.py" for n in range(14))),
        "radar_alert-over": _pair(("/src/cart.py",), is_over=True),
        "radar_alert-completed": _pair(("/src/cart.py",), status="completed", is_over=True),
        "radar_alert-not-watched": _pair(("/src/cart.py",), is_over=True, is_unfollowed=True),
    }


def _pair(files: tuple[str, ...], *, status: str = "active", **over: bool) -> OutgoingMessage:
    """``status`` is of the first of the two, ``over`` how the pair is over."""
    rows = [
        PullRequestRow(
            connection="contoso",
            number=number,
            repository_id=SHOP.id,
            title=title,
            status=status if number == 12 else "active",
            author_id=MAYA.id,
            source_ref="refs/heads/feature/x",
            target_ref="refs/heads/main",
            created_at=at(0),
            as_of=at(0),
            updated_at=at(0),
            state={},
        )
        for number, title in ((12, "Add search"), (15, "Show recommendations below the cart"))
    ]
    repository = RepositoryRow(
        connection="contoso", id=SHOP.id, name=SHOP.name, project_id="p", project_name="Shop"
    )
    return draw_radar_alert(PairView(rows[0], rows[1], repository, BASE, files, **over))


def _direct() -> Samples:
    why = "vote author contoso:12"
    return {
        "direct-review-asked": direct_card(
            "Maya Sample asks for your review of #12 Add search",
            WAITING,
            page="files",
            why="review-asked reviewer contoso:12",
        ),
        "direct-asked-again": direct_card(
            "New commits after your “waiting for author” on #12 Add search: please look again",
            WAITING,
            page="files",
            notes=["Since your last look: 2 commits, 3 changed files"],
            why="review-asked reviewer contoso:12",
        ),
        "direct-one-review": direct_card(
            "Jonas Sample waits for you on #12 Add search, with 2 comments",
            WAITING,
            notes=["“Please test the empty search, too.” “Is this limit needed?”"],
            why=why,
        ),
        "direct-check-failed": direct_card(
            "#12 Add search: The check web-ci failed",
            WAITING,
            run_url=f"{BASE}/Shop/_build/results?buildId=7",
            why="checks author contoso:12",
        ),
        "direct-merge-failed": direct_card(
            "#12 Add search: A policy rejects the merge into main",
            WAITING,
            page="conflicts",
            why="conflict author contoso:12",
        ),
        "direct-news": news_card(
            "Lena Sample assigned Bug 12 The checkout is slow to you",
            where="Shop / Payments",
            url=f"{BASE}/Shop/_workitems/edit/12",
            why="ticket assigned",
        ),
        "direct-reply": reply_message("Jonas Sample approved with suggestions"),
        "direct-reply-outside-text": reply_message(
            "Maya Sample commented: see [this](https://example.com) *now* <b>www.example.com</b>"
        ),
    }


def _held() -> Samples:
    one = About(
        "#12 Add search",
        PAGE,
        "Shop / web",
        ("Jonas Sample approved #12 Add search", "The check web-ci failed"),
    )
    other = About(
        "#15 " + LONG_TITLE, PAGE, "Shop / web", ("Lena Sample mentioned you on #15: ok?",)
    )
    many = replace(one, sentences=tuple(f"Sample Person {n} commented on #12" for n in range(30)))
    return {
        "held_news-quiet-hours": held_card(
            "Outside your working hours: 3 messages", [one, other], why="held"
        ),
        "held_news-many": held_card("What you have not heard yet: 30 messages", [many], why="held"),
    }


def _settings() -> Samples:
    kinds = [(kind, KIND_TITLES[kind], kind_input(kind)) for kind in PERSONAL_KINDS]
    chosen = Preferences(
        kinds={EventKind.VOTE: Delivery.DIGEST, EventKind.BUILD: Delivery.OFF},
        hours=WorkingHours(
            "Europe/Berlin", time(8, 30), time(17), frozenset({0, 1, 2, 3}), "DE-BY"
        ),
        urgent=frozenset({EventKind.MENTION, EventKind.CONFLICT}),
        away_from=date(2026, 12, 21),
        away_until=date(2027, 1, 4),
        digest_at=time(8, 45),
    )
    usual = SettingsView(Preferences(), kinds, is_quiet=True, teams_timezone="Europe/Berlin")
    return {
        "settings_form-usual": settings_form(usual),
        "settings_form-chosen": settings_form(
            replace(
                usual,
                own=chosen,
                muted=("Shop/api", "pr contoso:9"),
                snoozed=("pr contoso:12",),
            )
        ),
        "settings_form-unreadable": settings_form(
            replace(
                usual,
                problem="Your settings could not be read (kinds.vote); these are the defaults.",
            )
        ),
    }


def _subscriptions() -> Samples:
    filters = Filters(
        target=("release/*", "!release/old"),
        author=("Maya Sample", "!Web Team"),
        label=("!wip",),
        path=("src/**",),
        min_files=2,
    )
    places = Places(((EventKind.VOTE, Place.CARD), (EventKind.CONFLICT, Place.DIRECT)))
    settings = Subscribed(Wishes(filters, places))
    form = SubscriptionForm(
        "contoso:Shop/web", "Shop/web", settings, ConversationKind.CHANNEL, "Maya Sample"
    )
    usual = replace(form, settings=Subscribed())
    broken = replace(form, settings=Subscribed(trouble="filters.path: a text is expected"))
    paused = replace(form, settings=replace(settings, is_paused=True))
    return {
        "subscription_form-channel": draw_subscription_form(form),
        "subscription_form-group": draw_subscription_form(
            replace(usual, where=ConversationKind.GROUP)
        ),
        "subscription_form-personal": draw_subscription_form(
            replace(usual, where=ConversationKind.PERSONAL)
        ),
        "subscription_form-paused": draw_subscription_form(paused),
        "subscription_form-trouble": draw_subscription_form(broken),
        "subscription_trouble": unreadable_card("Shop/web", "filters.path: a text is expected"),
    }


def _reminders() -> Samples:
    why = "You asked to be reminded after 8 working hours."
    one = Line(
        "#12 Add search has waited for your review for 9 working hours",
        why,
        WAITING,
        "files",
        reminder="review",
    )
    other = Line(
        "#12 Add search has been approved for 2 working days and is not completed",
        "You asked to be reminded after 4 working hours.",
        PULL_REQUESTS["approved"],
        reminder="approved",
    )
    nudge = replace(
        one,
        text="Maya Sample asks you to look at #12 Add search",
        why="The author pressed Nudge. That goes once a working day to each reviewer.",
        is_asked_for=False,
        reminder="nudge",
    )
    return {
        "reminder-one": reminder_card([one]),
        "reminder-nudge": reminder_card([nudge]),
        "reminder-several": reminder_card([one, other]),
    }


def _digests() -> Samples:
    days = timedelta(days=1)
    mine = ("#12 Add search", PAGE)
    other = ("#15 Show recommendations below the cart", f"{BASE}/Shop/_git/web/pullrequest/15")
    lines = (
        DigestLine("Waiting for you", (other,), "web", NOW - 4 * days),
        DigestLine("Conflicts", (mine,), "web", NOW - 2 * days),
        DigestLine("Ready to complete", (("#9 Round prices", PAGE),), "web", NOW - days),
        DigestLine("Yours", (("#20 " + LONG_TITLE, PAGE),), "web", NOW - days, "(draft)"),
        DigestLine("Will conflict", (mine, other), "web", NOW - days / 3),
    )
    news = ("Jonas Sample approved #9 Round prices", "Lena Sample commented on #12: why not *all*?")
    usual = Digest("Your digest", lines, why="You asked for a digest at this time.", is_direct=True)
    many = replace(usual, title="Open pull requests", lines=lines * 6, is_direct=False)
    return {
        "digest-usual": digest_card(usual, NOW),
        "digest-with-news": digest_card(replace(usual, news=news), NOW),
        "digest-only-news": digest_card(replace(usual, lines=(), news=news * 8), NOW),
        "digest-many": digest_card(many, NOW),
    }


def _builds_and_tickets() -> Samples:
    fixed = replace(BUILD, result="succeeded", finished_at=at(660))
    canceled = replace(BUILD, result="canceled")
    return {
        "build-broken": draw_build(build_turned(BUILD, Turn.BROKEN, since=None), BUILD, "web"),
        "build-fixed": draw_build(build_turned(fixed, Turn.FIXED, since=at(600)), fixed, "web"),
        "build-failed-again": draw_build(build_result(BUILD), BUILD, "web"),
        "build-succeeded": draw_build(build_result(fixed), fixed, "web"),
        "build-canceled": draw_build(build_result(canceled), canceled, "web"),
        "build-earlier": draw_build(build_result(BUILD, is_last=False), BUILD, "web"),
        "ticket_news-created": draw_ticket_news(
            "Maya Sample created Bug 12 The checkout is slow for Jonas Sample",
            url=f"{BASE}/Shop/_workitems/edit/12",
            project="Shop",
            area_path="Shop\\Payments",
        ),
    }
