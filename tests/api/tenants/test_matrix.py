"""Every route × whoever may not use it × every place for an object that is somebody else's.

Refused in the exact words, and nothing that the owner has is in the answer. Somebody else's object and one that never
was are the same by construction: the same statements find neither.
"""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from api.expansion import EXPANDABLE
from api.fields import Choice, Email, Reference, Text
from api.input_tables import InputTable
from api.operations import OPERATIONS
from api.permissions import resource_of
from api.views.base import ApiView
from core.errors import CustomerNotFound
from core.key_scopes import RESOURCES
from core.models import Account, Customer
from outbox.identifiers import encode_id
from tests.api.callers import FORM, Caller, error_of
from tests.api.tenants.cells import READING, REFUSED_KEYS, Cell, cells_of
from tests.api.tenants.routes import CURSORS, REFERENCES, ROUTES, Route
from tests.api.tenants.worlds import World, make_world

# Open to everybody, by what they are: they say nothing of an account, or only to who has an intent's secret.
PUBLIC = {
    "authentication_page",
    "healthz",
    "readyz",
    "schema",
    "docs",
    "front",
    "catalogue_page",
    "unknown_path",
}
# Of the operations pages, those before the login, and redirects to them.
PAGES_FOR_STRANGERS = {"enter_page", "login_page", "logout_page", "nothing_here", "to_operations"}
# Parameters whose text names no object.
WORDS = {
    "account",  # of accounts beneath an account, which do not exist
    "account_number", "api_version", "city", "client_secret", "country", "currency", "cvc", "description",
    "device_name", "email", "filters", "forward_connect_to_url", "forward_thin_connect_to_url", "forward_thin_to_url",
    "forward_to_url", "line1", "line2", "name", "number", "page", "phone", "postal_code", "query", "return_url",
    "routing_number", "state", "statement_descriptor", "statement_descriptor_suffix", "tax_id", "token", "type", "url",
}  # fmt: skip
_ID = re.compile(r"\b[a-z]+_[0-9A-Za-z]{22}(?:_secret_\w+)?\b")
_UUID = re.compile(r"'[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}'")
_NUMBER = re.compile(r"\b\d+\.\d+\b")
_SAVEPOINT = re.compile(r'"s\w+"')


def _views(patterns: list[Any]) -> list[tuple[str, str]]:
    found = []
    for entry in patterns:
        if isinstance(entry, URLResolver):
            found += _views(entry.url_patterns)
        elif isinstance(entry, URLPattern):
            view = getattr(entry.callback, "cls", None)
            if hasattr(entry.callback, "of_portal"):
                continue  # tests/portal/test_tenants.py tries these with every link but the right one
            if hasattr(entry.callback, "least_role") or entry.callback.__name__ in PAGES_FOR_STRANGERS:
                continue  # tests/ops/test_access.py tries these on strangers
            if view is None:
                assert entry.callback.__name__ in PUBLIC, f"{entry.callback.__name__} is open to everybody"
                continue
            assert issubclass(view, ApiView)
            found += [
                (view.__name__, method.upper())
                for method in view.http_method_names
                if method != "head" and hasattr(view, method)
            ]
    return found


def test_every_route_is_in_the_matrix_once(record_property: Callable[[str, object], None]) -> None:
    served = _views(get_resolver().url_patterns)
    assert sorted(served) == sorted([route.key for route in ROUTES] * 2)  # in two dialects
    cells = sum(len(list(cells_of(route))) for route in ROUTES)
    record_property("tenants", f"{len(ROUTES)} routes in two dialects, {cells} cells")


def test_every_route_is_described() -> None:
    assert {(view.__name__, method) for view, method in OPERATIONS} == {route.key for route in ROUTES}


def test_every_parameter_that_may_name_an_object_is_in_the_matrix() -> None:
    for operation in OPERATIONS.values():
        for name, field in _texts(operation.takes):
            if isinstance(field, Reference):
                assert name in REFERENCES or name in CURSORS, name
            else:
                assert name in REFERENCES or name in WORDS, name


def _texts(table: InputTable) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, field in table.fields.items():
        if isinstance(field, InputTable):
            found += _texts(field)
        elif isinstance(field, (Text, Reference)) and not isinstance(field, (Choice, Email)):
            found.append((name, field))
    return found


@pytest.fixture(autouse=True)
def plain_statements(settings: Any) -> None:
    """As they are written, not the calls of prepared ones; and as many refused keys as there are cells."""
    settings.OUTBOX = {**settings.OUTBOX, "PREPARE": False}
    settings.API_FAILED_KEYS_PER_MINUTE = 0


@pytest.mark.django_db
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_who_may_not_is_refused_and_reads_nothing(route: Route) -> None:
    owner, stranger = make_world("owner"), make_world("stranger")
    stranger.caller.get("/balance/")  # notes the use of the key
    before = _everything(owner)
    for cell in cells_of(route):
        try:
            match cell.caller:
                case "stranger":
                    _of_stranger(route, cell, owner, stranger)
                case "publishable stranger":
                    _of_strange_payer(route, cell, owner, stranger)
                case _:
                    _of_key(route, cell, owner)
        except AssertionError as error:
            raise AssertionError(f"{route}, {cell}: {error}") from error
    assert _everything(owner) == before


def _of_key(route: Route, cell: Cell, owner: World) -> None:
    """The owner's own objects, with a key that is no good or not good enough."""
    resource = resource_of(route.path)
    if cell.caller in REFUSED_KEYS:
        response = _send(getattr(owner, cell.caller)(), route, cell, owner.ids)
        assert error_of(response)[:2] == REFUSED_KEYS[cell.caller]
        assert response["WWW-Authenticate"].startswith("Bearer")
        _holds_none_of(response, owner.secrets | set(owner.ids.values()))
        return
    if cell.caller == "publishable":
        response = _send(owner.publishable(), route, cell, owner.ids)
        expected = (
            (400, "parameter_missing", "client_secret")
            if route.payers
            else (403, "secret_key_required", None)
        )
        assert error_of(response) == expected
    else:
        access = "read" if route.method in READING else "write"
        caller = (
            owner.restricted(**{resource: "read"})
            if cell.caller == "read_only"
            else owner.without_scope(resource)
        )
        response = _send(caller, route, cell, owner.ids)
        assert error_of(response) == (403, None, None)
        assert f"'rak_{RESOURCES[resource]}_{access}'" in response.json()["error"]["message"]
    _holds_none_of(response, owner.secrets | set(owner.ids.values()) - {owner.ids["account"]})


def _of_stranger(route: Route, cell: Cell, owner: World, stranger: World) -> None:
    """The owner's object in one place, everything else the stranger's own; then one that never was, there."""
    if cell.where is None:
        response = _send(stranger.caller, route, cell, stranger.ids)
        assert response.status_code == 200
        _holds_none_of(response, owner.secrets | set(owner.ids.values()))
        return
    kind = route.references[cell.name] if cell.where == "parameter" else cell.name
    theirs = owner.ids[kind]
    unknown = theirs[:-3] + ("zzz" if theirs[-3:] != "zzz" else "yyy")
    answers = []
    for asked in (theirs, unknown):
        with CaptureQueriesContext(connection) as captured:
            response = _send(stranger.caller, route, cell, stranger.ids, asked)
        _holds_none_of(response, owner.secrets | set(owner.ids.values()) - {theirs})
        answers.append((response, [_without_ids(query["sql"]) for query in captured]))
    (foreign, statements), (missing, same_statements) = answers
    if cell.where == "parameter" and route.method in READING and cell.name not in CURSORS:
        assert (foreign.status_code, foreign.json()["data"]) == (200, [])
    else:
        assert error_of(foreign)[:2] == (404, "resource_missing")
        assert foreign.json()["error"]["message"].endswith(f"'{theirs}'")
    assert _without_own(foreign, theirs) == _without_own(missing, unknown)
    assert statements == same_statements


def _of_strange_payer(route: Route, cell: Cell, owner: World, stranger: World) -> None:
    """The owner's intent and its client_secret, with another account's publishable key."""
    extra = {"client_secret": owner.client_secrets[cell.name]}
    response = _send(stranger.publishable(), route, cell, stranger.ids, owner.ids[cell.name], **extra)
    assert error_of(response)[:2] == (404, "resource_missing")
    _holds_none_of(response, owner.secrets | set(owner.ids.values()) - {owner.ids[cell.name]})


def _send(
    caller: Caller, route: Route, cell: Cell, ids: dict[str, str], other: str | None = None, **extra: Any
) -> Any:
    """The route's request with these ids; where the cell says so with the other's in one place."""
    placed = dict(ids)
    if other is not None and cell.where != "parameter":
        placed[cell.name] = other
    values: dict[str, Any] = {
        name: value.format(**ids) if isinstance(value, str) else value for name, value in route.body.items()
    } | extra
    if other is not None and cell.where == "parameter":
        values[cell.name] = other
    if route.query:
        values["query"] = route.query
    if cell.where == "path, expanded":
        values["expand"] = _expandable(route)
    path = cell.dialect + route.path.format(**placed)
    form = urlencode(
        [
            (f"{name}[]" if isinstance(value, list) else name, one)
            for name, value in values.items()
            for one in (value if isinstance(value, list) else [value])
        ]
    )
    if route.method in {"GET", "DELETE"}:
        return caller.send(route.method, f"{path}?{form}" if form else path)
    if cell.dialect:
        return caller.send(route.method, path, form, content_type=FORM)
    return caller.send(route.method, path, values)


def _expandable(route: Route) -> list[str]:
    """What of the route's object can be expanded; of objects without such fields nothing is asked."""
    kind = {"charges": "charge", "customers": "customer", "payment_intents": "payment_intent"}.get(
        resource_of(route.path), resource_of(route.path).removesuffix("s")
    )
    if route.view.startswith("CustomerPaymentMethod"):
        kind = "payment_method"
    listed = "data." if route.lists else ""
    return [listed + name for name in EXPANDABLE.get(kind, {})]


def _everything(owner: World) -> list[Any]:
    """The owner's objects as the owner reads them."""
    paths = [
        route.path for route in ROUTES if route.method == "GET" and len(route.places) == 1 and not route.lists
    ]
    return [owner.caller.get(path.format(**owner.ids)).json() for path in paths]


def _holds_none_of(response: Any, secrets: set[str]) -> None:
    held = [secret for secret in secrets if secret.encode() in response.content]
    assert held == []


def _without_own(response: Any, asked: str) -> Any:
    """The answer without what differs between any two requests."""
    text = response.content.decode().replace(asked, "…").replace(response["Request-Id"], "req")
    return response.status_code, json.loads(text), sorted(set(response.headers) - {"Request-Id"})


def _without_ids(sql: str) -> str:
    for pattern in (_ID, _UUID, _NUMBER, _SAVEPOINT):
        sql = pattern.sub("…", sql)
    return sql


# --- The matrix itself: a view that forgets the owner, in either of two ways, does not pass ---

_CUSTOMER = next(route for route in ROUTES if route.key == ("CustomerView", "GET"))


def _shows_anybodys(account_id: uuid.UUID, customer_id: uuid.UUID) -> Customer:
    """What a view would read that forgot whose customer it is."""
    customer = Customer.objects.filter(id=customer_id).first()
    if customer is None:
        raise CustomerNotFound(encode_id("cus", customer_id))
    return customer


def _looks_twice(account_id: uuid.UUID, customer_id: uuid.UUID) -> Customer:
    """Refuses in the right words, and tells by its time that there is such a customer."""
    customer = _shows_anybodys(account_id, customer_id)
    if not Account.objects.filter(id=account_id, customers=customer).exists():
        raise CustomerNotFound(encode_id("cus", customer_id))
    return customer


@pytest.mark.django_db
@pytest.mark.parametrize("mistake", [_shows_anybodys, _looks_twice])
def test_a_view_that_forgets_the_owner_is_caught(monkeypatch: pytest.MonkeyPatch, mistake: Any) -> None:
    monkeypatch.setattr("api.views.customers.get_customer", mistake)
    with pytest.raises(AssertionError, match="stranger path:customer"):
        test_who_may_not_is_refused_and_reads_nothing(_CUSTOMER)
