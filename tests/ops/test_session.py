"""Logging in: how often, for how long, and by a link that is good once."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from api.models import AuditEntry, EntryLink
from api.ops import entry_links
from api.ops.roles import Role, role_of
from api.ops.sessions import forget_sessions

pytestmark = pytest.mark.django_db
People = Callable[[Role | None], User]
Browsers = Callable[[Role | None], Client]
PASSWORD = "only for these tests 1"
ANOTHER = "something entirely else 2"


def log_in(
    client: Client, name: str = "viewer", password: str = PASSWORD, *, address: str = "192.0.2.250"
) -> Any:
    return client.post("/ops/login/", {"username": name, "password": password}, REMOTE_ADDR=address)


def link_for(name: str, role: Role = Role.VIEWER) -> str:
    out = StringIO()
    call_command(
        "create_operator", name, "--role", role.group, "--link-if-known", stdout=out, stderr=StringIO()
    )
    found = re.fullmatch(r"http://[^/]+(/ops/enter/\S+/)\n", out.getvalue())
    assert found, out.getvalue()
    return found[1]


# --- How often ---


def test_a_name_is_tried_so_often_a_minute_from_wherever_it_comes(person: People, settings: Any):
    settings.LOGIN_ATTEMPTS_PER_MINUTE = 1
    person(Role.VIEWER)
    assert log_in(Client(), password="wrong", address="192.0.2.1").status_code == 400
    kept_out = log_in(Client(), "Viewer", address="192.0.2.2")
    assert kept_out.status_code == 429
    assert 1 <= int(kept_out["Retry-After"]) <= 60
    assert "Too many tries. The next one is possible in" in kept_out.content.decode()
    assert "ministripe_session" not in kept_out.cookies


@pytest.mark.parametrize("written", ["VIEWER", " viewer ", "ｖｉｅｗｅｒ", "𝐯iewer"])
def test_a_name_is_the_same_however_it_is_written(person: People, settings: Any, written: str):
    settings.LOGIN_ATTEMPTS_PER_MINUTE = 1
    person(Role.VIEWER)
    assert log_in(Client(), password="wrong", address="192.0.2.1").status_code == 400
    assert log_in(Client(), written, address="192.0.2.2").status_code == 429


def test_an_address_is_tried_out_whatever_names_it_guesses(person: People, settings: Any):
    settings.LOGIN_ATTEMPTS_PER_MINUTE = 1
    person(Role.VIEWER)
    tries = [log_in(Client(), f"guess-{number}", address="192.0.2.1").status_code for number in range(4)]
    assert tries == [400] * 4
    assert log_in(Client(), address="192.0.2.1").status_code == 429
    assert log_in(Client(), address="192.0.2.2").status_code == 302


def test_a_link_lets_in_whom_others_keep_out(person: People, settings: Any):
    settings.LOGIN_ATTEMPTS_PER_MINUTE = 1
    person(Role.VIEWER)
    assert [log_in(Client(), password="wrong").status_code for _ in range(2)] == [400, 429]
    client = Client()
    assert client.post(link_for("viewer")).status_code == 303
    assert client.get("/ops/").status_code == 200


def test_no_limit_where_none_is_set(person: People, settings: Any):
    settings.LOGIN_ATTEMPTS_PER_MINUTE = 0
    person(Role.VIEWER)
    assert {log_in(Client(), password="wrong").status_code for _ in range(8)} == {400}


# --- Sessions ---


def test_a_session_that_somebody_prepared_is_not_the_one_that_logs_in(person: People):
    person(Role.VIEWER)
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    assert client.cookies["ministripe_session"].value == session.session_key
    assert log_in(client).status_code == 302
    assert client.cookies["ministripe_session"].value != session.session_key
    assert not type(session)().exists(session.session_key or "")


@pytest.mark.parametrize(("name", "hours"), [("began", 13), ("seen", 2)])
def test_a_session_ends_after_a_day_of_work_or_an_idle_hour(browser: Browsers, name: str, hours: int):
    client = browser(Role.VIEWER)
    assert client.get("/ops/audit/").status_code == 200
    session = client.session
    session[name] -= hours * 3_600
    session.save()
    over = client.get("/ops/audit/?actor=ada")
    assert (over.status_code, over["Location"]) == (
        302,
        "/ops/login/?next=%2Fops%2Faudit%2F%3Factor%3Dada&over=1",
    )
    assert "You were logged out" in client.get(over["Location"]).content.decode()
    assert client.get("/ops/audit/").status_code == 302
    assert not type(session)().exists(session.session_key or "")


def test_a_page_that_reloads_itself_keeps_no_session_alive(browser: Browsers):
    client = browser(Role.VIEWER)
    client.get("/ops/")
    session = client.session
    session["seen"] = seen = session["seen"] - 600
    session.save()
    client.get("/ops/", headers={"HX-Request": "true"})
    assert client.session["seen"] == seen
    client.get("/ops/")
    assert client.session["seen"] > seen


def test_a_session_is_written_once_a_minute_and_not_with_every_page(
    browser: Browsers, django_assert_num_queries: Any
):
    client = browser(Role.VIEWER)
    client.get("/ops/audit/")
    with django_assert_num_queries(4) as captured:  # session, person, role, entries
        client.get("/ops/audit/")
    assert not [query for query in captured.captured_queries if query["sql"].startswith("UPDATE")]


def test_sessions_that_are_over_are_forgotten(browser: Browsers):
    browser(Role.VIEWER)
    assert forget_sessions(limit=10) == 0
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert forget_sessions(limit=10) == 1
    assert not Session.objects.exists()


# --- Links ---


def test_a_new_person_enters_by_a_link_and_chooses_a_password():
    path = link_for("ada", Role.OPERATOR)
    client = Client(enforce_csrf_checks=True)
    shown = client.get(path).content.decode()
    assert "Enter as ada" in shown
    assert not EntryLink.objects.exclude(used_at=None).exists()
    token = client.cookies["ministripe_csrf"].value
    entered = client.post(path, {"csrfmiddlewaretoken": token})
    assert (entered.status_code, entered["Location"]) == (303, "/ops/password/")
    asked = client.get("/ops/password/").content.decode()
    assert "old_password" not in asked
    token = client.cookies["ministripe_csrf"].value
    form = {"new_password1": ANOTHER, "new_password2": ANOTHER, "csrfmiddlewaretoken": token}
    assert client.post("/ops/password/", form).status_code == 303
    assert client.get("/ops/").status_code == 200
    assert log_in(Client(), "ada", ANOTHER).status_code == 302
    # From now on the old one has to be given.
    assert "old_password" in client.get("/ops/password/").content.decode()
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "person.created",
        "person.link_made",
        "person.entered_by_link",
        "person.password_changed",
    ]
    assert role_of(User.objects.get(username="ada")) == Role.OPERATOR


def test_a_link_is_good_once_and_says_so_afterwards():
    path = link_for("ada")
    assert Client().post(path).status_code == 303
    again = Client().post(path)
    assert again.status_code == 410
    assert "This link was used already" in again.content.decode()
    assert "manage.py login_link ada" in again.content.decode()
    assert "ministripe_session" not in again.cookies


def test_a_link_is_over_after_its_hour_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entry_links, "GOOD_FOR", timedelta(seconds=-1))
    path = link_for("ada")
    for answer in (Client().get(path), Client().post(path)):
        assert answer.status_code == 410
        assert "This link is over" in answer.content.decode()
    assert not EntryLink.objects.exclude(used_at=None).exists()


@pytest.mark.parametrize("token", ["x", "x" * 2_000, "%00", "%3Cb%3E"])
def test_what_is_no_link_says_so(token: str):
    answer = Client().get(f"/ops/enter/{token}/")
    assert answer.status_code == 404
    assert "This is no link of ours" in answer.content.decode()


def test_a_link_of_somebody_who_was_deactivated_lets_nobody_in():
    path = link_for("ada")
    User.objects.filter(username="ada").update(is_active=False)
    assert Client().get(path).status_code == 404
    assert Client().post(path).status_code == 404


def test_a_new_password_ends_the_links_that_nobody_used():
    """One that somebody else has would let them in beside whoever set it."""
    paths = [link_for("ada") for _ in range(3)]
    elsewhere = link_for("grace")
    client = Client()
    client.post(paths[0])
    form = {"new_password1": ANOTHER, "new_password2": ANOTHER}
    assert client.post("/ops/password/", form).status_code == 303
    for path in paths[1:]:
        refused = Client().post(path)
        assert refused.status_code == 410
        assert "This link is over" in refused.content.decode()
    assert Client().post(elsewhere).status_code == 303


def test_no_link_is_stored_as_it_is():
    token = link_for("ada").split("/")[-2]
    stored = EntryLink.objects.get()
    assert token.encode() not in bytes(stored.token_hash)
    assert len(bytes(stored.token_hash)) == 32


def test_links_are_forgotten_a_week_after_their_hour(monkeypatch: pytest.MonkeyPatch):
    link_for("ada")
    assert entry_links.forget_entry_links(limit=10) == 0
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=8))
    assert entry_links.forget_entry_links(limit=10) == 1


# --- Commands ---


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            ("create_operator", "viewer", "--role", "admin"),
            "viewer is known already. For a new link: manage.py login_link",
        ),
        (("create_operator", "a b", "--role", "admin"), "'a b' cannot be a name: Enter a valid username."),
        (
            ("create_operator", "x" * 151, "--role", "admin"),
            "cannot be a name: Ensure this value has at most 150",
        ),
        (("login_link", "ada"), "ada is not known. To let somebody in: manage.py create_operator"),
    ],
)
def test_commands_say_what_is_wrong(person: People, command: tuple[str, ...], words: str):
    person(Role.VIEWER)
    with pytest.raises(CommandError, match=re.escape(words)):
        call_command(*command, stdout=StringIO(), stderr=StringIO())
    assert not EntryLink.objects.exists()


def test_a_password_is_changed_only_by_who_knows_the_old_one(browser: Browsers):
    client = browser(Role.VIEWER)
    other = Client()
    assert log_in(other).status_code == 302
    asked = client.get("/ops/password/")
    token = client.cookies["ministripe_csrf"].value
    assert "old_password" in asked.content.decode()
    form = {"new_password1": ANOTHER, "new_password2": ANOTHER, "csrfmiddlewaretoken": token}
    assert client.post("/ops/password/", {**form, "old_password": "wrong"}).status_code == 400
    assert client.post("/ops/password/", {**form, "old_password": PASSWORD}).status_code == 303
    assert client.get("/ops/").status_code == 200
    # Whoever else is logged in as this person no longer is.
    assert other.get("/ops/").status_code == 302
