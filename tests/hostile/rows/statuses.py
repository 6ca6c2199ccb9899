"""Answers that are understood: redirects, requests to wait, and what ends an endpoint."""

from datetime import timedelta

from dispatcher.failures import FailureCode as Code
from tests.hostile.behaviour import FIRST_WAIT, Behaviour, Then
from tests.hostile.receivers import OK
from tests.hostile.scripts import answer, empty

_DAY = timedelta(days=1)


def _redirect(name: str, location: str, status: int = 302) -> Behaviour:
    return Behaviour(
        name=name,
        script=answer(empty(f"{status} Moved", f"Location: {location}")),
        code=Code.REDIRECT_REFUSED,
        status=status,
        kept=f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n".encode(),
    )


def _busy(name: str, status: int, *retry_after: str, hold: timedelta | None) -> Behaviour:
    headers = ("Date: Sun, 22 Nov 2026 10:00:00 GMT", *(f"Retry-After: {value}" for value in retry_after))
    return Behaviour(
        name=name,
        script=answer(empty(f"{status} Busy", *headers)),
        code=Code.HTTP_429 if status == 429 else Code.HTTP_5XX,
        status=status,
        then=Then.RETRY if hold is None else Then.HELD,
        hold=hold,
    )


STATUS = [
    _redirect("redirect to itself", "/hook"),
    _redirect("redirect to another path", "../else/where?x=1", 301),
    _redirect("redirect to the metadata address of a cloud", "http://169.254.169.254/latest/meta-data/", 307),
    _redirect("redirect from https to http", "http://shop.test/hook", 308),
    _redirect("redirect to a file", "file:///etc/passwd", 303),
    Behaviour(
        name="redirect to nowhere", script=answer(empty("302 Moved")), code=Code.REDIRECT_REFUSED, status=302
    ),
    Behaviour(
        name="`304 Not Modified`", script=answer(empty("304 Same")), code=Code.REDIRECT_REFUSED, status=304
    ),
    _busy("429, `Retry-After` in seconds", 429, "120", hold=timedelta(seconds=120)),
    _busy("429, `Retry-After` as a date", 429, "Sun, 22 Nov 2026 10:01:30 GMT", hold=timedelta(seconds=90)),
    _busy("429, `Retry-After` of years", 429, "999999999", hold=_DAY),
    _busy("429, `Retry-After` a date in the year 9999", 429, "Fri, 31 Dec 9999 23:59:59 GMT", hold=_DAY),
    _busy("429, `Retry-After` of 30 digits", 429, "9" * 30, hold=FIRST_WAIT),
    _busy("429, negative `Retry-After`", 429, "-120", hold=FIRST_WAIT),
    _busy("429, garbage as `Retry-After`", 429, "soon; 1 <b>", hold=FIRST_WAIT),
    _busy("429 without `Retry-After`", 429, hold=FIRST_WAIT),
    _busy("429, `Retry-After` of 0", 429, "0", hold=None),
    _busy("429, two `Retry-After`", 429, "60", "86400", hold=timedelta(seconds=60)),
    _busy("503, `Retry-After` in seconds", 503, "120", hold=timedelta(seconds=120)),
    _busy("503, `Retry-After` a date long past", 503, "Thu, 01 Jan 1970 00:00:00 GMT", hold=None),
    _busy("503, garbage as `Retry-After`", 503, "\x7f99", hold=None),
    _busy("503 without `Retry-After`", 503, hold=None),
    _busy("500, `Retry-After` in seconds", 500, "120", hold=None),
    Behaviour(
        name="410", script=answer(empty("410 Gone")), code=Code.HTTP_410_GONE, status=410, then=Then.DISABLED
    ),
    Behaviour(
        name="address of a cloud's metadata",
        script=answer(OK),
        code=Code.BLOCKED_ADDRESS,
        then=Then.ENDED,
        url="http://169.254.169.254/latest/meta-data/",
    ),
]
