"""When somebody who is logged in has to log in again: after a while without opening a page, and once a working day."""

import time

from django.http import HttpRequest

from api.config import operations_session, operations_session_idle
from outbox.database import execute
from outbox.sql import statements

_BEGAN, _SEEN, _ENTERED = "began", "seen", "entered"
# The last page is written down once a minute: a page costs no write of its session.
_COARSE = 60.0
# For so long who entered by a link may choose a password without the old one, which he may not know.
_PASSWORD_WITHIN = 900.0
_SQL = statements("api.sql")


def begin(request: HttpRequest, *, by_link: bool = False) -> None:
    """After the login: the session's two ages begin."""
    now = time.time()
    request.session[_BEGAN] = request.session[_SEEN] = now
    if by_link:
        request.session[_ENTERED] = now


def is_over(request: HttpRequest) -> bool:
    """Whether the session is too old, or was idle for too long; notes a page that a person opened.

    What a page fetches by itself, as a list that reloads, is nobody's sign of life.
    """
    now = time.time()
    began: float = request.session.setdefault(_BEGAN, now)
    seen: float = request.session.setdefault(_SEEN, now)
    if now - began > operations_session().total_seconds():
        return True
    if now - seen > operations_session_idle().total_seconds():
        return True
    if now - seen > _COARSE and "HX-Request" not in request.headers:
        request.session[_SEEN] = now
    return False


def may_choose_password(request: HttpRequest) -> bool:
    """Whether a password may be set without the old one: shortly after a link was used."""
    entered: float = request.session.get(_ENTERED, 0.0)
    return time.time() - entered < _PASSWORD_WITHIN


def chose_password(request: HttpRequest) -> None:
    """A password is known now: the next one needs it."""
    request.session.pop(_ENTERED, None)


def forget_sessions(*, limit: int) -> int:
    """Delete up to `limit` sessions that are over; gives how many. A transaction of its own."""
    return execute(_SQL["forget_sessions"], {"limit": limit})
