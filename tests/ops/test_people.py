"""Who may do what: the page of the admins."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from api.models import AuditEntry
from api.ops.roles import Role, role_of
from tests.ops.scenes import form_of, send

pytestmark = pytest.mark.django_db
People = Callable[[Role | None], User]
Browsers = Callable[[Role | None], Client]
PAGE = "/ops/people/"


@pytest.fixture
def admin(browser: Browsers) -> Client:
    client = browser(Role.ADMIN)
    client.handler.enforce_csrf_checks = False
    return client


def test_the_list_names_everybody_with_their_role(
    admin: Client, person: People, django_assert_max_num_queries: Any
):
    for role in (Role.VIEWER, Role.OPERATOR, None):
        person(role)
    User.objects.create_user("customer")  # not of the staff
    with django_assert_max_num_queries(12):
        text = admin.get(PAGE).content.decode()
    rows = re.findall(r'actor=(\w+)".*?</th><td>(\w+)</td>', text)
    assert rows == [("admin", "admin"), ("nobody", "none"), ("operator", "operator"), ("viewer", "viewer")]
    assert "(you)" in text


def test_somebody_new_gets_a_link_that_is_shown_once(admin: Client):
    form = {**form_of(admin.get(f"{PAGE}new/").content.decode()), "name": "ada", "role": "operator"}
    shown = admin.post(f"{PAGE}new/", form)
    link = re.search(r"(/ops/enter/opl_[0-9a-f]{64}/)</pre>", shown.content.decode())
    assert link is not None
    assert role_of(User.objects.get(username="ada")) == Role.OPERATOR
    assert "Enter as ada" in Client().get(link[1]).content.decode()
    assert admin.post(f"{PAGE}new/", form)["Location"] == PAGE
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        "person.created",
        "person.link_made",
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "admin", "role": "viewer"}, "admin is known already"),
        ({"name": "a b", "role": "viewer"}, "This cannot be a name: Enter a valid username."),
        ({"name": "", "role": "viewer"}, "This cannot be a name"),
        ({"name": "ada", "role": "god"}, "Choose a role."),
    ],
)
def test_what_cannot_be_is_told_and_nobody_is_made(admin: Client, fields: dict[str, str], words: str):
    answer = send(admin, f"{PAGE}new/", **fields)
    assert answer.status_code == 409
    assert words in answer.content.decode()
    assert User.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_a_role_is_given_and_written_down(admin: Client, person: People):
    viewer = person(Role.VIEWER)
    assert send(admin, f"{PAGE}{viewer.pk}/role/", role="operator")["Location"] == PAGE
    assert [group.name for group in User.objects.get(pk=viewer.pk).groups.all()] == ["operator"]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.before, entry.after) == (
        "person.role_given",
        "viewer",
        {"role": "viewer"},
        {"role": "operator"},
    )


def test_whoever_is_kept_out_is_out_with_the_next_request(admin: Client, person: People):
    viewer = person(Role.VIEWER)
    client = Client()
    client.force_login(viewer)
    assert client.get("/ops/").status_code == 200
    send(admin, f"{PAGE}{viewer.pk}/access/")
    assert client.get("/ops/").status_code == 302
    refused = send(admin, f"{PAGE}{viewer.pk}/link/")
    assert "a link would let nobody in" in refused.content.decode()
    send(admin, f"{PAGE}{viewer.pk}/access/")
    assert client.get("/ops/").status_code == 200
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        "person.kept_out",
        "person.let_in",
    ]


@pytest.mark.parametrize("change", ["role", "access"])
def test_an_admin_stays_one_as_far_as_that_is_up_to_them(admin: Client, change: str):
    me = User.objects.get(username="admin")
    answer = send(admin, f"{PAGE}{me.pk}/{change}/", role="viewer")
    assert answer.status_code == 409
    assert "ask another admin" in answer.content.decode()
    me.refresh_from_db()
    assert role_of(me) == Role.ADMIN


@pytest.mark.parametrize("id", ["0", "x", "99999999999999999999", "-1"])
def test_nobody_is_nobody(admin: Client, id: str):
    answer = admin.get(f"{PAGE}{id}/role/")
    assert answer.status_code == 404
    assert "The page People lists everybody." in answer.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_it_is_for_admins_alone(browser: Browsers, role: Role):
    client = browser(role)
    client.handler.enforce_csrf_checks = False
    assert 'href="/ops/people/"' not in client.get("/ops/").content.decode()
    for path in (PAGE, f"{PAGE}new/", f"{PAGE}1/role/", f"{PAGE}1/access/", f"{PAGE}1/link/"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("change", ["role", "access"])
def test_of_two_admins_who_turn_each_other_out_one_stays(
    admin: Client, person: People, monkeypatch: pytest.MonkeyPatch, change: str
):
    other = person(Role.OPERATOR)
    other.groups.set([Group.objects.get(name="admin")])
    address = f"{PAGE}{other.pk}/{change}/"
    form = {**form_of(admin.get(address).content.decode()), "role": "viewer"}

    def be_turned_out_meanwhile(*_: object) -> None:
        User.objects.get(username="admin").groups.clear()

    with monkeypatch.context() as patch:
        patch.setattr("api.ops.views.people._not_oneself", be_turned_out_meanwhile)
        refused = admin.post(address, form)
    assert refused.status_code == 409
    assert "You are no admin any more." in refused.content.decode()
    assert role_of(User.objects.get(pk=other.pk)) == Role.ADMIN
