"""The same form from several tabs at the same moment, and a one-time link from several browsers."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from api.models import AuditEntry
from api.ops.roles import Role
from tests.api.callers import Caller
from tests.api.conftest import caller

__all__ = ["caller"]

pytestmark = pytest.mark.django_db(transaction=True)
Browsers = Callable[[Role | None], Client]
_HIDDEN = re.compile(r'name="(confirmation|csrfmiddlewaretoken)" value="([^"]+)"')
_TABS = 4


def at_once(post: Callable[[], Any]) -> list[int]:
    """The statuses of as many answers, lowest first."""
    statuses: list[int] = []
    together = threading.Barrier(_TABS)

    def send() -> None:
        try:
            together.wait(30)
            statuses.append(post().status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(_TABS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def tabs_of(browser: Client, path: str, **fields: str) -> Sequence[int]:
    """The form of a page, sent by all tabs of a browser."""
    form = {**dict(_HIDDEN.findall(browser.get(path).content.decode())), **fields}

    def post() -> Any:
        tab = Client(enforce_csrf_checks=True)
        tab.cookies.load({name: cookie.value for name, cookie in browser.cookies.items()})
        return tab.post(path, form)

    return at_once(post)


def done() -> Counter[str]:
    return Counter(AuditEntry.objects.values_list("action", flat=True))


def test_each_form_acts_once(caller: Caller, browser: Browsers) -> None:
    endpoint = f"/ops/endpoints/{caller.endpoint()['id']}/"
    admin = browser(Role.ADMIN)
    for change in ("test/", "disable/", "enable/"):
        assert tabs_of(admin, endpoint + change) == [303] * _TABS
    # What is shown once is shown to one.
    assert tabs_of(admin, f"{endpoint}roll/", overlap="1") == [200, 303, 303, 303]
    assert tabs_of(admin, "/ops/people/new/", name="ada", role="viewer") == [200, 303, 303, 303]
    actions = ("tested", "disabled", "enabled", "secret_rolled")
    once = {f"endpoint.{action}": 1 for action in actions} | {"person.created": 1, "person.link_made": 1}
    assert done() == once


def test_a_link_lets_one_in(person: Callable[[Role | None], Any]) -> None:
    person(Role.VIEWER)
    said = StringIO()
    call_command("login_link", "viewer", stdout=said, stderr=StringIO())
    link = "/ops/enter/" + said.getvalue().strip().split("/ops/enter/")[1]
    assert at_once(lambda: Client().post(link)) == [303, 410, 410, 410]
    assert done()["person.entered_by_link"] == 1
