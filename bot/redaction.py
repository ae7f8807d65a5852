"""The last net: what looks like a secret is not written, whoever wrote it.

Secrets are kept out where they are used. This is for the day when a library, an error text or a
traceback holds one all the same.
"""

import re
from collections.abc import Iterable

MARK = "…"
SHORTEST_KNOWN = 6  # a shorter value would blot out ordinary words

# The value beside a telling name: `password=…`, `"Authorization": "Basic …"`, `?token=…`.
_NAMED = re.compile(
    r"(?i)((?:authorization|x-ado-signature|password|passwd|client_secret|secret|token)"
    r"[\"']?\s*[:=]\s*(?:b?[\"'])?(?:basic |bearer )?)[^\s\"'&,;})]+"
)
_SHAPES = re.compile(
    r"""
    (?P<scheme>(?i:\b(?:basic|bearer)\s+))[A-Za-z0-9+/._~-]{12,}={0,2}  # RFC 7617, RFC 6750
    | (?P<userinfo>://[^\s/:@]*:)[^\s/@]+(?=@)                          # a URL with a password
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*                                 # a JSON Web Token
    | \b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b                             # a PAT of today
    | \b[a-z2-7]{52}\b                                                  # a PAT until 2024
    | (?<![\w.~-])[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])               # an Entra client secret
    """,
    re.VERBOSE,
)


class Redaction:
    """Takes secrets out of text: known values, what stands beside a telling name, and known shapes.

    Args:
        known: secrets of the settings. Values of less than six characters are left out.

    The shapes: Azure DevOps, "Use personal access tokens"; Microsoft's credential scanner for
    Entra client secrets; RFC 6750, RFC 7515 and RFC 7617 for what goes into headers.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        values = sorted({v for v in known if len(v) >= SHORTEST_KNOWN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, values))) if values else None

    def __repr__(self) -> str:
        return "Redaction(…)"

    def __call__(self, text: str) -> str:
        """The text with each secret replaced by ``…``."""
        if self._known is not None:
            text = self._known.sub(MARK, text)
        text = _SHAPES.sub(_without_shape, text)
        return _NAMED.sub(rf"\1{MARK}", text)


def _without_shape(match: re.Match[str]) -> str:
    return f"{match['scheme'] or match['userinfo'] or ''}{MARK}"
