"""The template of the route that a request took: what metrics, spans and log lines call it, since paths hold ids."""

import re
from functools import cache

from django.http import HttpRequest

# A path that no route takes, or whose request was refused before any was looked for.
NO_ROUTE = "none"
_PLACE = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")


def route_of(request: HttpRequest) -> str:
    """`/v1/payment_intents/{id}/confirm`; there are as many as the URLconf has. Known once the view is resolved."""
    match = request.resolver_match
    return NO_ROUTE if match is None or not match.route else _template(match.route)


@cache
def _template(route: str) -> str:
    places = _PLACE.sub(lambda place: f"{{{place[1] or place[2]}}}", route)
    return "/" + re.sub(r"[\^$]|/\?", "", places).strip("/")


_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})


def method_of(request: HttpRequest) -> str:
    """One of those that exist; anybody may send any other word."""
    return request.method if request.method in _METHODS else "other"
