"""Logging in and out, entering by a one-time link, and passwords."""

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from api.ops import sessions
from api.ops.changes import ASKED, written_down
from api.ops.entry_links import LinkState, end_links_of, look_at, use_link
from api.ops.pages import LOGIN, operations_page, render
from api.ops.roles import role_of
from api.ops.throttle import wait_before_login
from api.templatetags.pages import span

HOME = "/ops/"
PASSWORD = "/ops/password/"


@sensitive_post_parameters("password")
def login_page(request: HttpRequest) -> HttpResponse:
    """GET asks, POST with name and password logs in and goes on to `next`, a page of ours."""
    if request.method not in ASKED:
        return HttpResponseNotAllowed(ASKED)
    going_to = _page_of_ours(request)
    if request.method != "POST":
        return _login_form(request, AuthenticationForm(request), going_to)
    if wait := wait_before_login(request, request.POST.get("username", "")):
        answer = _login_form(
            request,
            AuthenticationForm(request),
            going_to,
            refusal=f"Too many tries. The next one is possible in {span(wait)}; it was not looked at whether "
            "this password is right.",
            status=429,
        )
        answer["Retry-After"] = str(wait)
        return answer
    form = AuthenticationForm(request, data=request.POST)
    if not form.is_valid():
        return _login_form(request, form, going_to, status=400)
    user = form.get_user()
    assert isinstance(user, User)
    login(request, user)
    sessions.begin(request)
    return HttpResponseRedirect(going_to)


def logout_page(request: HttpRequest) -> HttpResponse:
    """POST ends the session."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    logout(request)
    return HttpResponseRedirect(LOGIN)


def enter_page(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link: GET says what it is worth and changes nothing, POST uses it up and logs in."""
    if request.method not in ASKED:
        return HttpResponseNotAllowed(ASKED)
    if request.method == "POST" and _entered(request, token):
        return HttpResponse(status=303, headers={"Location": PASSWORD})
    seen = look_at(token)
    status = {LinkState.GOOD: 200, LinkState.UNKNOWN: 404}.get(seen.state, 410)
    return render(request, "ops/enter.html", {"link": seen}, status=status)


@sensitive_post_parameters()
@operations_page(methods=ASKED)
def password_page(request: HttpRequest) -> HttpResponse:
    """A new password; who came by a link a moment ago need not know the old one."""
    user = request.user
    assert isinstance(user, User)
    free = sessions.may_choose_password(request)
    made = SetPasswordForm if free or not user.has_usable_password() else PasswordChangeForm
    form = made(user, data=request.POST if request.method == "POST" else None)
    if request.method == "POST":
        wait = 0 if free else wait_before_login(request, user.get_username())
        if wait:
            form = made(user)
            messages.error(request, f"Too many tries. The next one is possible in {span(wait)}.")
        elif form.is_valid():
            with transaction.atomic():
                # The password alone: what else a person is, the API's SQL role may not write.
                form.save(commit=False).save(update_fields=["password"])
                end_links_of(user)
                written_down(request, action="person.password_changed", subject=user.get_username())
            update_session_auth_hash(request, user)  # the other sessions of this person end
            sessions.chose_password(request)
            messages.success(
                request, "The password is set. Wherever else you were logged in, you no longer are."
            )
            return HttpResponse(status=303, headers={"Location": HOME})
    status = 400 if form.errors else 200
    context = {"form": form, "by_link": free}
    return render(request, "ops/password.html", context, status=status)


def _entered(request: HttpRequest, token: str) -> bool:
    """Whether the link was good: it is used up then, and who has it is logged in, in one transaction."""
    with transaction.atomic():
        user = use_link(token)
        if user is None:
            return False
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        sessions.begin(request, by_link=True)
        request.role = role_of(user)  # type: ignore[attr-defined]
        written_down(request, action="person.entered_by_link", subject=user.get_username())
    return True


def _login_form(
    request: HttpRequest,
    form: AuthenticationForm,
    going_to: str,
    *,
    refusal: str | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "next": going_to, "refusal": refusal, "over": "over" in request.GET}
    return render(request, "ops/login.html", context, status=status)


def _page_of_ours(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or HOME
    safe = wanted.startswith(HOME) and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else HOME
