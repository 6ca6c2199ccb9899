"""The range of a page, read from its URL."""

from datetime import UTC, datetime, timedelta

import pytest

from api.pages.ranges import read_range, shown

NOW = datetime(2026, 11, 28, 14, 30, 5, tzinfo=UTC)


def test_a_day_is_shown_where_nothing_is_asked_for():
    read = read_range({}, now=NOW)
    assert (read.name, read.since, read.until) == ("24h", NOW - timedelta(hours=24), NOW)
    assert read.problems == {}
    assert read.query == "range=24h"
    assert [name for name, _, chosen in read.choices if chosen] == ["24h"]


@pytest.mark.parametrize(("name", "length"), [("1h", 1), ("24h", 24), ("7d", 168), ("30d", 720)])
def test_named_ranges_end_now(name, length):
    read = read_range({"range": name}, now=NOW)
    assert read.until - read.since == timedelta(hours=length)
    assert read.until == NOW


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T14:05", datetime(2026, 11, 22, 14, 5, tzinfo=UTC)),
        ("2026-11-22T14:05:09Z", datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)),
        ("2026-11-22T14:05:09+02:00", datetime(2026, 11, 22, 12, 5, 9, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc_unless_they_say_otherwise(text, moment):
    read = read_range({"since": text}, now=NOW)
    assert (read.since, read.until, read.name) == (moment, NOW, None)


def test_the_query_of_a_range_reads_back_as_the_same_range():
    read = read_range({"since": "2026-11-22T14:05:09", "until": "2026-11-23"}, now=NOW)
    assert read.query == f"since={shown(read.since)}&until={shown(read.until)}".replace(":", "%3A")
    again = read_range({"since": shown(read.since), "until": shown(read.until)}, now=NOW)
    assert (again.since, again.until) == (read.since, read.until)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"range": "2y"}, "range", "'2y' is no range: take one of 1h, 24h, 7d, 30d"),
        ({"since": "yesterday"}, "since", "'yesterday' is no moment: write it as 2026-11-22T14:00 (UTC)."),
        ({"until": "2026-13-01"}, "until", "'2026-13-01' is no moment"),
        ({"since": "9999-12-31T23:59-23:00"}, "since", "is no moment"),
        ({"since": "2026-11-23", "until": "2026-11-22"}, "until", "must be later than since"),
        ({"since": "2026-11-22", "until": "2026-11-22"}, "until", "must be later than since"),
        ({"since": "2026-11-29", "until": "2026-11-30"}, "since", "is in the future"),
        ({"since": "2026-11-29"}, "since", "is in the future"),
        ({"since": "2020-01-01"}, "since", "longer than 366 days"),
        ({"since": "2026-11-22\x00"}, "since", "is no moment"),
        ({"until": "0001-01-01"}, "until", "must be later than since"),
    ],
)
def test_a_range_that_is_none_says_so_and_a_day_is_shown(query, field, words):
    read = read_range(query, now=NOW)
    assert words in read.problems[field]
    assert list(read.problems) == [field]
    assert (read.name, read.until) == ("24h", NOW)
