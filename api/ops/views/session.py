"""Logging in and out."""

from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from api.ops.pages import LOGIN, render

HOME = "/ops/"


def login_page(request: HttpRequest) -> HttpResponse:
    """GET asks, POST with name and password logs in and goes on to `next`, a page of ours."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    going_to = _page_of_ours(request)
    form = AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.get_user()
        assert isinstance(user, User)
        login(request, user)
        return HttpResponseRedirect(going_to)
    status = 400 if request.method == "POST" else 200
    return render(request, "ops/login.html", {"form": form, "next": going_to}, status=status)


def logout_page(request: HttpRequest) -> HttpResponse:
    """POST ends the session."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    logout(request)
    return HttpResponseRedirect(LOGIN)


def _page_of_ours(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or HOME
    safe = wanted.startswith(HOME) and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else HOME
