"""Which cards are on which picture of the documentation."""

import json
from dataclasses import dataclass
from typing import Any

from tests.cards.snapshots import ANSWERS, CARDS

LIGHT, DARK = "light", "dark"
PHONE, DESKTOP = 328, 560


@dataclass(frozen=True, slots=True)
class Picture:
    """Messages below each other, as (name of the snapshot, or a reply's text after ">"; who)."""

    name: str
    theme: str
    width: int
    shown: tuple[tuple[str, str], ...]
    scale: float = 1

    def messages(self) -> list[dict[str, Any]]:
        """As the page draws them."""
        return [_message(what, who) for what, who in self.shown]


def _message(what: str, who: str) -> dict[str, Any]:
    if what.startswith(">"):
        return {"who": who, "text": what[1:], "isReply": True}
    path = next(folder / f"{what}.json" for folder in (CARDS, ANSWERS) if _has(folder, what))
    kept = json.loads(path.read_text("utf-8"))
    return {"who": who, "text": kept["text"], "card": kept["card"]}


def _has(folder: Any, name: str) -> bool:
    return bool((folder / f"{name}.json").exists())


CHANNEL, CHAT = "Pullcord · Web / General", "Pullcord · your chat"

PICTURES = (
    Picture(
        "card",
        LIGHT,
        DESKTOP,
        (
            ("pull_request-checks-failed", CHANNEL),
            (">Published: ready for review", ""),
            (">Lena Sample commented: Please test the empty search, too.", ""),
            (">The check web-ci failed", ""),
        ),
    ),
    Picture("conflict", DARK, PHONE, (("conflict_alert-to-author", CHAT),)),
    Picture(
        "review",
        LIGHT,
        PHONE,
        (("pull_request-waits-for-you", CHAT), ("direct-asked-again", CHAT)),
    ),
    Picture("digest", LIGHT, DESKTOP, (("digest-with-news", CHAT),)),
    Picture("subscription", LIGHT, DESKTOP, (("subscription_form-channel", CHANNEL),)),
    Picture("start-ticket", DARK, DESKTOP, (("start-ticket-2", CHAT),)),
)
"""docs/NAME.png; the cards are those of the snapshots, as they were when these were drawn."""
