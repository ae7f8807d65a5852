"""Text as both databases can keep it."""

import hashlib
import re

LONGEST_KEY = 400
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD.

    PostgreSQL refuses NUL in text (its manual, "Character Types") and neither database can encode
    a lone surrogate. The engine applies this to every bound parameter on both databases, in writes
    and look-ups alike, so that what was stored under such a text is found under it again.
    """
    if text.isascii() and "\x00" not in text:
        return text
    return _NOT_STORABLE.sub("\ufffd", text)


def bounded_key(key: str) -> str:
    """The key, or its hash when it is longer than an index entry of PostgreSQL may be."""
    if len(key) <= LONGEST_KEY:
        return key
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def folded(name: str) -> str:
    """A name as it is compared where case does not count (SQLite's lower() knows ASCII only)."""
    return storable_text(name).casefold()


def account_key(unique_name: str) -> str:
    """A mail, UPN or ``DOMAIN\\user`` as it is compared: without case and outer blanks."""
    return folded(unique_name).strip()
