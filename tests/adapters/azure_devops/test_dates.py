from datetime import UTC, datetime

import pytest

from adapters.azure_devops.dates import parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-07-30T07:48:03.2511337Z", datetime(2022, 7, 30, 7, 48, 3, 251133, tzinfo=UTC)),
        ("2022-07-30T07:48:03Z", datetime(2022, 7, 30, 7, 48, 3, tzinfo=UTC)),
        ("2022-07-30T07:48:03.5", datetime(2022, 7, 30, 7, 48, 3, 500000, tzinfo=UTC)),
        ("2022-07-30T09:48:03+02:00", datetime(2022, 7, 30, 7, 48, 3, tzinfo=UTC)),
        ("2026-02-02T11:47:33.561308+00:00", datetime(2026, 2, 2, 11, 47, 33, 561308, tzinfo=UTC)),
    ],
)
def test_azure_devops_dates_are_read_as_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "",
        "yesterday",
        "2022-07-30",
        "2022-13-30T00:00:00Z",
        "20220730",
    ],
)
def test_sentinels_and_non_dates_are_no_moment(text: str) -> None:
    assert parse_moment(text) is None
