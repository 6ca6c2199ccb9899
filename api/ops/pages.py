"""How an operations page is made: who may open it, by which methods, and what stands around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect

from api.ops.roles import Role, role_of
from api.ops.sessions import is_over
from api.pages.rendering import render_page

LOGIN = "/ops/login/"
_View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A page in the list at the side."""

    key: str
    title: str
    path: str
    least: Role = Role.VIEWER


NAVIGATION = (
    NavigationItem("overview", "Overview", "/ops/"),
    NavigationItem("deliveries", "Deliveries", "/ops/deliveries/"),
    NavigationItem("trace", "Trace", "/ops/trace/"),
    NavigationItem("endpoints", "Endpoints", "/ops/endpoints/"),
    NavigationItem("replays", "Replays", "/ops/replays/"),
    NavigationItem("dispatchers", "Dispatchers", "/ops/dispatchers/"),
    NavigationItem("payments", "Payments", "/ops/payments/"),
    NavigationItem("requests", "Requests", "/ops/requests/"),
    NavigationItem("audit", "Audit log", "/ops/audit/"),
    NavigationItem("people", "People", "/ops/people/", Role.ADMIN),
)


def operations_page(
    *, least: Role = Role.VIEWER, methods: tuple[str, ...] = ("GET", "HEAD")
) -> Callable[[_View], _View]:
    """A view that only staff of at least that role opens; others are sent to the login, or told who may.

    The role is `request.role` within.
    """

    def decorate(view: _View) -> _View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if not request.user.is_authenticated:
                return HttpResponseRedirect(f"{LOGIN}?{urlencode({'next': _returning(request)})}")
            if is_over(request):
                logout(request)
                return HttpResponseRedirect(f"{LOGIN}?{urlencode({'next': _returning(request), 'over': 1})}")
            role = role_of(request.user)
            if role is None or role < least:
                mine = role.group if role else "no role"
                raise PermissionDenied(
                    f"This needs the role {least.group}; {request.user.get_username()} has {mine}. "
                    "An admin gives roles on the page People."
                )
            request.role = role  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        guarded.least_role = least  # type: ignore[attr-defined]
        return guarded

    return decorate


def _returning(request: HttpRequest) -> str:
    """Where the login leads: to the page that was wanted, never to a form that was sent."""
    return request.get_full_path() if request.method in ("GET", "HEAD") else "/ops/"


def render(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    current: str = "",
    status: int = 200,
) -> HttpResponse:
    """An operations page with its navigation; `current` is the key of its item."""
    role: Role | None = getattr(request, "role", None)
    around = {
        "navigation": [item for item in NAVIGATION if role is not None and item.least <= role],
        "current": current,
        "role": role.group if role else None,
        "may_operate": role is not None and role >= Role.OPERATOR,
        "may_administer": role is not None and role >= Role.ADMIN,
    }
    return render_page(request, template, {**around, **(context or {})}, status=status)
