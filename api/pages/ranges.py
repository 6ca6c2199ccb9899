"""The span of time that a page shows, as its URL says it: `?range=24h`, or `?since=…&until=…`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from api.pages.filters import Filters

DEFAULT = "24h"
NAMED = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
WORDS = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days"}
LONGEST = timedelta(days=366)
_FIRST = datetime.min.replace(tzinfo=UTC)
_EXAMPLE = "as 2026-11-22T14:00 (UTC)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From `since` on, before `until`."""

    since: datetime
    until: datetime
    name: str | None = None  # one of NAMED; None where both ends were given
    problems: Mapping[str, str] = field(
        default_factory=dict
    )  # field of the URL → what is wrong, and how to mend it

    @property
    def words(self) -> str:
        if self.name is not None:
            return WORDS[self.name]
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"

    @property
    def query(self) -> str:
        """The range for a link to another page."""
        if self.name is not None:
            return urlencode({"range": self.name})
        return urlencode({"since": shown(self.since), "until": shown(self.until)})

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Each named range: its name, its words, whether it is this one."""
        return [(name, words, name == self.name) for name, words in WORDS.items()]


def read_range(query: Mapping[str, str], *, default: str = DEFAULT, now: datetime | None = None) -> Range:
    """The range of a URL's query; what is wrong with it is in `problems`, and the default is shown instead."""
    now = now or timezone.now()
    problems: dict[str, str] = {}
    name, since_text, until_text = (query.get(key, "").strip() for key in ("range", "since", "until"))
    if name and name not in NAMED:
        problems["range"] = (
            f"{name[:40]!r} is no range: take one of {', '.join(NAMED)}, or give since and until."
        )
    if (since_text or until_text) and not problems:
        since = _moment(since_text, "since", problems)
        until = _moment(until_text, "until", problems) or now
        if since is None and not problems:
            since = _before(until, NAMED[name or default])
        if since is not None and not problems:
            _judge(since, until, now, problems)
            if not problems:
                return Range(since=since, until=until)
    chosen = name if name in NAMED else default
    return Range(since=now - NAMED[chosen], until=now, name=chosen, problems=problems)


def optional_range(query: Mapping[str, str], filters: Filters) -> tuple[dict[str, str], Range | None]:
    """What links keep of the range that was asked for, and the range; none where none was given, or it is wrong."""
    given = {name: query[name] for name in ("range", "since", "until") if query.get(name)}
    if not given:
        return {}, None
    asked = read_range(query, default="30d")
    filters.problems.update(asked.problems)
    return ({}, None) if asked.problems else (given, asked)


def shown(moment: datetime) -> str:
    """A moment as it stands in a URL: UTC to the second, which `read_range` reads back."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _before(until: datetime, span: timedelta) -> datetime:
    try:
        return until - span
    except OverflowError:
        return _FIRST  # that of a calendar that begins with the year 1


def _judge(since: datetime, until: datetime, now: datetime, problems: dict[str, str]) -> None:
    if until <= since and since <= now:
        problems["until"] = (
            f"until ({until:%Y-%m-%d %H:%M:%S} UTC) must be later than since ({since:%Y-%m-%d %H:%M:%S} UTC): "
            "exchange them."
        )
    elif since > now:
        problems["since"] = (
            f"since is in the future: it is {now:%Y-%m-%d %H:%M:%S} UTC now. Give an earlier moment."
        )
    elif until - since > LONGEST:
        problems["since"] = f"the range is longer than {LONGEST.days} days: give a later since."


def _moment(text: str, name: str, problems: dict[str, str]) -> datetime | None:
    """A moment or a day; without a zone it is UTC."""
    if not text:
        return None
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)) is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if moment is None:
            raise ValueError(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        problems[name] = f"{text[:40]!r} is no moment: write it {_EXAMPLE}."
        return None
