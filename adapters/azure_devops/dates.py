"""Azure DevOps' dates: up to seven decimals, sometimes without a zone, sentinels for "never"."""

from datetime import UTC, datetime

UNSET_YEAR = 1
"""``0001-01-01T00:00:00`` stands for "not set"."""

FOREVER_YEAR = 9999
"""``9999-01-01T00:00:00Z`` stands for "still current"."""


def parse_moment(text: str) -> datetime | None:
    """The moment in UTC; None for the sentinels and for what is no date and time."""
    if "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year in (UNSET_YEAR, FOREVER_YEAR):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
