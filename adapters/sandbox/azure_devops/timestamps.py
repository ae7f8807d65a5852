"""Dates the way Azure DevOps writes them: UTC, seven decimals."""

from __future__ import annotations

from datetime import UTC, datetime

UNSET = "0001-01-01T00:00:00"
STILL_CURRENT = "9999-01-01T00:00:00Z"


def written(moment: datetime) -> str:
    """Return an aware datetime as ``2026-11-21T09:30:00.1234560Z`` (.NET ticks have 7 decimals)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)
