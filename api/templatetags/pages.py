"""Filters and tags of all pages: moments with their zone, amounts of their currency, states in words."""

import re
from datetime import UTC, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.pages.assets import asset_url
from api.pages.words import HOLDERS, badge_of
from core.currencies import shown_amount
from dispatcher.waiting import Holder

register = template.Library()

_STEPS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file."""
    return asset_url(path)


@register.filter
def badge(state: str) -> SafeString:
    """A state as shape, word and colour."""
    shown = badge_of(state)
    return format_html(
        '<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>',
        shown.tone,
        shown.shape,
        shown.word,
    )


@register.filter
def in_words(state: str) -> str:
    """A state as its badge names it."""
    return badge_of(state).word


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """`2026-11-22 14:02:07 UTC`, and how long ago, or until then; a dash for none."""
    return _moment(value, "ago")


@register.filter
def due(value: datetime | None) -> SafeString | str:
    """The same of what is to be done then: `in 20 s`, and afterwards `due for 3 s`."""
    return _moment(value, "due")


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """Only how long ago, or until then; the moment itself is in the title."""
    return _distance(value, "ago")


@register.filter
def due_in(value: datetime | None) -> SafeString | str:
    """Only `in 20 s`, or `due for 3 s`."""
    return _distance(value, "due")


@register.filter
def lasting(value: datetime | None) -> SafeString | str:
    """Of what is so since then: `for 3 d`."""
    return _distance(value, "for")


@register.filter
def held(holder: Holder) -> str:
    """What keeps a delivery beyond its moment, in words."""
    return HOLDERS[holder]


def _moment(value: datetime | None, way: str) -> SafeString | str:
    if value is None:
        return "—"
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{} <span class="relative" data-moment="{}">{}</span></time>',
        utc.isoformat(),
        f"{utc:%A, %d %B %Y, %H:%M:%S.%f UTC}",
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        way,
        relative(utc, way),
    )


def _distance(value: datetime | None, way: str) -> SafeString | str:
    if value is None:
        return "—"
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}" data-moment="{}">{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        way,
        relative(utc, way),
    )


def relative(value: datetime, way: str = "ago", *, now: datetime | None = None) -> str:
    """`3 min ago`, `in 2 h`, `now` below a second. pages.js says the same while a page is open.

    Args:
        way: how what has passed is told of: `ago`, `due` (`due for 3 s`), `for` (`for 3 s`).
    """
    seconds = (value - (now or timezone.now())).total_seconds()
    if abs(seconds) < 1:
        return "due now" if way == "due" else "now"
    if seconds > 0:
        return f"in {span(seconds)}"
    passed = span(-seconds)
    return {"due": f"due for {passed}", "for": f"for {passed}"}.get(way, f"{passed} ago")


@register.filter
def span(value: float | timedelta | None) -> str:
    """Seconds as `0.5 ms`, `350 ms`, `4.2 s`, `7 min`, `3 h`, `2 d`; a dash for none."""
    if value is None:
        return "—"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if 0 < seconds < 0.000_05:
        return "< 0.1 ms"
    if 0 < seconds < 0.01:
        return f"{seconds * 1_000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    raise AssertionError(seconds)


@register.filter
def milliseconds(value: float | None) -> str:
    """Milliseconds as a span."""
    return span(None if value is None else value / 1_000)


@register.filter
def breakable(text: str, after: str = "/") -> SafeString:
    """A URL or a path whose lines end behind its slashes rather than amid a word; or a name, `after` its dots."""
    parts = re.split(f"(?<=[^{after}][{after}])(?=[^{after}])", text)
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def money(amount: int, currency: str) -> str:
    """Minor units as an amount of their currency."""
    return shown_amount(amount, currency)


@register.filter
def number(value: int | None) -> str:
    """`1,204`; a dash for none."""
    return "—" if value is None else f"{value:,}"
