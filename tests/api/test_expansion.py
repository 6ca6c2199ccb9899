"""`expand[]`: four levels, one query a level and kind, nothing of another account."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api import expansion
from api.errors import InvalidParameter
from api.expansion import EXPANDABLE, parse_expansion
from core.loaders import load
from core.versions import PLAIN, STRIPE
from outbox.identifiers import encode_id
from tests.api.callers import Caller, error_of

ACCOUNT = uuid.uuid4()


def _id(prefix: str, number: int) -> str:
    return encode_id(prefix, uuid.UUID(int=number))


class Store:
    """Objects that point to each other, and a note of what was loaded."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.loads: list[dict[str, int]] = []

    def add(self, prefix: str, number: int, kind: str, **members: Any) -> str:
        text = _id(prefix, number)
        self.objects[text] = {"id": text, "object": kind, **members}
        return text

    def load(self, account_id: uuid.UUID, public_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        assert account_id == ACCOUNT
        self.loads.append(dict(Counter(text.partition("_")[0] for text in public_ids)))
        return {text: self.objects[text] for text in public_ids if text in self.objects}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    made = Store()
    kinds = {
        "order": {"charge": ("charge",), "invoice_settings.method": ("method",)},
        "charge": {"balance": ("balance",), "order": ("order",), "method": ("method",)},
        "balance": {"source": ("charge", "refund")},
        "refund": {"charge": ("charge",)},
    }
    monkeypatch.setattr(expansion, "EXPANDABLE", kinds)
    monkeypatch.setattr(expansion, "load", made.load)
    expansion._parse.cache_clear()
    yield made
    expansion._parse.cache_clear()


def _expanded(
    objects: list[dict[str, Any]], *names: str, kind: str, listed: bool = False
) -> list[dict[str, Any]]:
    return parse_expansion(names, kind=kind, listed=listed).apply(objects, account_id=ACCOUNT, version=STRIPE)


def test_names_lead_four_levels_deep(store: Store) -> None:
    refund = store.add("re", 4, "refund", charge=_id("ch", 2))
    balance = store.add("txn", 3, "balance", source=refund)
    charge = store.add("ch", 2, "charge", balance=balance, order=None, method=None)
    order = {"id": _id("or", 1), "object": "order", "charge": charge}
    (shown,) = _expanded([order], "charge.balance.source.charge", kind="order")
    assert shown["charge"]["balance"]["source"]["charge"]["id"] == charge
    assert shown["charge"]["balance"]["source"]["charge"]["balance"] == balance
    assert order["charge"] == charge
    assert store.objects[charge]["balance"] == balance


def test_a_level_costs_one_query_for_each_kind_however_many_objects_there_are(store: Store) -> None:
    orders: list[dict[str, Any]] = []
    for number in range(1, 51):
        method = store.add("pm", 1000 + number % 7, "method")
        balance = store.add("txn", 2000 + number, "balance", source=_id("ch", 3000 + number))
        charge = store.add("ch", 3000 + number, "charge", balance=balance, order=None, method=method)
        orders.append(
            {
                "id": _id("or", number),
                "object": "order",
                "charge": charge,
                "invoice_settings": {"method": method},
            }
        )
    shown = _expanded(
        orders,
        "data.charge.balance.source",
        "data.charge.method",
        "data.charge",
        "data.invoice_settings.method",
        kind="order",
        listed=True,
    )
    assert store.loads == [{"ch": 50, "pm": 7}, {"txn": 50, "pm": 7}, {"ch": 50}]
    for one in shown:
        assert one["charge"]["balance"]["source"]["id"] == one["charge"]["id"]
        assert one["charge"]["method"] == one["invoice_settings"]["method"]
    assert orders[0]["invoice_settings"]["method"] == _id("pm", 1001)


def test_a_field_of_several_kinds_is_expanded_by_what_its_id_names(store: Store) -> None:
    charge = store.add("ch", 2, "charge", balance=None, order=None, method=None)
    refund = store.add("re", 3, "refund", charge=charge)
    of_charge = {"id": _id("txn", 4), "object": "balance", "source": charge}
    of_refund = {"id": _id("txn", 5), "object": "balance", "source": refund}
    shown = _expanded([of_charge, of_refund], "source.charge", kind="balance")
    assert shown[0]["source"] == store.objects[charge]
    assert shown[1]["source"]["charge"] == store.objects[charge]


def test_null_stays_null_and_what_is_not_there_stays_an_id(store: Store) -> None:
    orders: list[dict[str, Any]] = [
        {"id": "or_1", "object": "order", "charge": None, "invoice_settings": None},
        {"id": "or_2", "object": "order", "charge": _id("ch", 9)},
        {"id": "or_3", "object": "order", "charge": "ch_external"},
    ]
    assert _expanded(orders, "charge.balance", "invoice_settings.method", kind="order") == orders


@pytest.mark.parametrize(
    ("name", "kind", "listed", "message"),
    [
        ("friends", "order", False, "This property cannot be expanded (friends)."),
        ("charge.friends", "order", False, "This property cannot be expanded (charge.friends)."),
        ("data.charge", "order", False, "This property cannot be expanded (data.charge)."),
        ("", "order", False, "This property cannot be expanded ()."),
        ("charge.", "order", False, "This property cannot be expanded (charge.)."),
        ("charge", "nothing", False, "This property cannot be expanded (charge)."),
        ("friends", "order", True, "This property cannot be expanded (friends)."),
        (
            "charge",
            "order",
            True,
            "This property cannot be expanded (charge). You may want to try expanding 'data.charge' instead.",
        ),
        ("data", "order", True, "This property cannot be expanded (data)."),
        (
            "charge.balance.source.charge.balance",
            "order",
            False,
            "You cannot expand more than 4 levels of a property (charge.balance.source.charge.balance).",
        ),
    ],
)
def test_what_cannot_be_expanded_is_named(
    store: Store, name: str, kind: str, listed: bool, message: str
) -> None:
    good = [] if kind != "order" else ["data.charge" if listed else "charge"]
    with pytest.raises(InvalidParameter) as refused:
        parse_expansion([*good, name], kind=kind, listed=listed)
    assert refused.value.message == message
    assert (refused.value.code, refused.value.param) == ("parameter_invalid_expand", f"expand[{len(good)}]")


def test_objects_have_the_fields_that_the_table_names_and_are_loaded_by_kind(caller: Caller) -> None:
    ids = [maker()["id"] for maker in (caller.customer, caller.customer, caller.intent, caller.intent)]
    with CaptureQueriesContext(connection) as captured:
        found = load(caller.account.id, [*ids, "cus_nobody", "sub_1", "nothing"])
    assert found.keys() == set(ids)
    assert len(captured) == 2
    for shown in found.values():
        assert {name.partition(".")[0] for name in EXPANDABLE[shown["object"]]} <= shown.keys()
    targets = {kind for fields in EXPANDABLE.values() for named in fields.values() for kind in named}
    assert targets <= EXPANDABLE.keys()


def test_another_accounts_objects_are_never_loaded(caller: Caller, other_caller: Caller) -> None:
    foreign = [other_caller.customer()["id"], other_caller.intent()["id"]]
    assert load(caller.account.id, foreign) == {}


def test_a_page_of_intents_with_their_customers_takes_four_statements(caller: Caller) -> None:
    customers = [caller.customer(name=str(number))["id"] for number in range(5)]
    for number in range(100):
        caller.intent(customer=customers[number % 5])
    with CaptureQueriesContext(connection) as captured:
        response = caller.get("/v1/payment_intents", **{"limit": 100, "expand[]": "data.customer"})
    shown = response.json()["data"]
    assert len(shown) == 100
    assert {one["customer"]["name"] for one in shown} == set("01234")
    assert len(captured) == 4


@pytest.mark.parametrize(
    ("path", "version", "name"),
    [("/payment_intents", PLAIN, "balance"), ("/v1/payment_intents", "2018-11-08", "account_balance")],
)
def test_what_is_expanded_is_shown_in_the_callers_version(
    caller: Caller, path: str, version: str, name: str
) -> None:
    intent = caller.intent(customer=caller.customer()["id"])
    response = caller.send("GET", f"{path}/{intent['id']}?expand[]=customer", **{"Stripe-Version": version})
    assert response["Stripe-Version"] == version
    assert name in response.json()["customer"]


def test_a_write_can_expand_its_answer(caller: Caller) -> None:
    customer = caller.customer(name="Grace")
    fields = {"amount": 2000, "currency": "usd", "customer": customer["id"], "expand": ["customer"]}
    assert caller.post("/payment_intents/", fields).json()["customer"] == customer
    refused = caller.post("/payment_intents/", {**fields, "expand": ["customer.friends"]})
    assert error_of(refused) == (400, "parameter_invalid_expand", "expand[0]")
