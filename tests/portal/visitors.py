"""Somebody with a link to the portal, and a browser without a cookie."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from tests.api.callers import FORM, Caller

_FORM_NAME = re.compile(r'name="form" value="([^"]+)"')


@dataclass
class Visitor:
    """Opens pages below one link."""

    caller: Caller  # whose account it is
    root: str  # `/portal/pst_…/`
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    @property
    def token(self) -> str:
        return self.root.split("/")[-2]

    def get(self, below: str = "", **query: str) -> Any:
        return self.client.get(self.root + below, query)

    def text(self, below: str = "", *, status: int = 200, **query: str) -> str:
        answer = self.get(below, **query)
        assert answer.status_code == status, answer.content.decode()[:2_000]
        return str(answer.content.decode()).replace("<wbr>", "")  # they stand in addresses

    def send(self, below: str, fields: Any = (), *, form: str | None = None) -> Any:
        """The form of a page as a browser sends it; `form` sends one again that was sent before."""
        name = self.form_of(below) if form is None else form
        pairs = [("form", name), *(fields.items() if isinstance(fields, dict) else fields)]
        return self.client.post(self.root + below, urlencode(pairs), content_type=FORM)

    def form_of(self, below: str) -> str:
        found = _FORM_NAME.search(self.text(below))
        assert found is not None, below
        return found[1]

    def follow(self, answer: Any) -> str:
        """The page that a change leads to."""
        assert answer.status_code == 303, answer.content.decode().partition("<main")[2][:2_000]
        page = self.client.get(answer["Location"])
        assert page.status_code == 200
        return str(page.content.decode())


def visit(caller: Caller, **fields: Any) -> Visitor:
    """A link of the caller's account."""
    made = caller.post("/portal_sessions/", fields)
    assert made.status_code == 201, made.content
    return Visitor(caller, "/portal/" + made.json()["url"].split("/portal/")[1])
