"""Text from outside made fit for a log line."""

import unicodedata

LOG_FIELD_CHARACTERS = 200


def log_safe(text: str, limit: int = LOG_FIELD_CHARACTERS) -> str:
    """The text on one line, without control or direction characters, cut to ``limit``."""
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "…"
