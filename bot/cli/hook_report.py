"""What ``pullcord hooks`` prints: what was found, and values to enter by hand."""

from collections.abc import Iterator, Sequence
from typing import Any

from bot.hooks.examining import Examined
from bot.hooks.model import WantedHook
from bot.log_text import log_safe
from storage.tables import FeedTrouble


def check_lines(found: Examined, troubles: Sequence[FeedTrouble]) -> Iterator[str]:
    """One line per hook, and what to type."""
    name = found.connection.name
    wrong = {each.wanted.key: each.says for each in found.comparison.differences}
    actual = {wanted.key: hook for wanted, hook in found.comparison.pairs}
    for wanted in found.wanted:
        if wanted.key in wrong:
            yield f"!!  {_plain(wanted)}: {log_safe(wrong[wanted.key])}"
            continue
        last = actual[wanted.key].last_success_at
        heard = f"last delivered {last:%Y-%m-%d %H:%M} UTC" if last else "nothing delivered yet"
        yield f"ok  {_plain(wanted)}: {heard}"
    for hook in found.comparison.surplus:
        yield f"!!  {log_safe(hook.event_type)} ({hook.id}): points to us, and nothing needs it"
    for trouble in troubles:
        if trouble.what not in wrong:
            mended = " It was mended." if trouble.is_repaired else ""
            since = f"{trouble.began_at:%Y-%m-%d %H:%M} UTC"
            yield f"    since {since}: {log_safe(trouble.says)}.{mended}"
    if found.connection.old_secret_hash:
        end = f"`pullcord rotate-secret {name} --end` refuses it"
        yield f"    A former webhook secret is still valid; once no hook uses it, {end}."
    if found.wanted and not found.own:
        yield (
            "This account sees none. Only project administrators see service hooks: if somebody "
            "made them by hand, `pullcord doctor` tells whether webhooks come."
        )
    if not found.comparison.is_right:
        yield f"Run `pullcord hooks install {name}`; --dry-run says first what it would do."


def facts(found: Examined, troubles: Sequence[FeedTrouble]) -> dict[str, Any]:
    """The same for scripts."""
    wrong = {each.wanted.key: each for each in found.comparison.differences}
    actual = {wanted.key: hook for wanted, hook in found.comparison.pairs}
    return {
        "connection": found.connection.name,
        "url": found.url,
        "is_right": found.comparison.is_right,
        "hooks": [
            {
                "event_type": wanted.event_type,
                "notification_type": wanted.notification_type,
                "project": wanted.project,
                "id": actual[wanted.key].id if wanted.key in actual else None,
                "status": actual[wanted.key].status.value if wanted.key in actual else None,
                "fault": wrong[wanted.key].fault.value if wanted.key in wrong else None,
                "says": wrong[wanted.key].says if wanted.key in wrong else "",
            }
            for wanted in found.wanted
        ],
        "surplus": [hook.id for hook in found.comparison.surplus],
        "troubles": [
            {
                "what": trouble.what,
                "kind": trouble.kind,
                "says": trouble.says,
                "since": trouble.began_at.isoformat(),
                "is_repaired": trouble.is_repaired,
            }
            for trouble in troubles
        ],
    }


def values_by_hand(wanted: Sequence[WantedHook], url: str, secret: str) -> Iterator[str]:
    """What to enter on Azure DevOps' page; without a secret, that there will be one."""
    password = secret or "(a new one is made without --dry-run)"
    yield 'In each project: Project settings, Service hooks, Create subscription, "Web Hooks".'
    yield "For each line below make one subscription. Leave every other filter at [Any]."
    for project in dict.fromkeys(each.project for each in wanted):
        yield f"\nProject {log_safe(project)}"
        for each in wanted:
            if each.project == project:
                change = f', Change "{each.change}"' if each.change else ""
                yield f'  Event "{each.title}"{change}, Resource version {each.resource_version}'
    yield "\nOn the second page, for all of them:"
    yield f"  URL                             {url}"
    if url.startswith("https://"):
        yield "  Basic authentication user name  pullcord"
        yield f"  Basic authentication password   {password}"
    else:
        yield f"  HTTP headers                    X-ADO-Signature:{password}"
    yield "  Resource details to send        All"
    yield "  Messages to send                None"
    yield "  Detailed messages to send       None"
    if secret:
        yield "The secret is shown this once; Pullcord keeps only its hash."


def _plain(wanted: WantedHook) -> str:
    return log_safe(str(wanted))
