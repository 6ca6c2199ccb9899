"""Searching: Stripe's query language against real rows."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import InvalidParameter
from api.search_query import Clause, Operator, parse_search
from core.models import Customer, PaymentIntent
from outbox.identifiers import floor_uuid
from tests.api.callers import Caller, error_of

CUSTOMERS = "/v1/customers/search"
INTENTS = "/v1/payment_intents/search"


def _names(caller: Caller, query: str, **parameters: Any) -> list[str]:
    response = caller.get(CUSTOMERS, query=query, **parameters)
    assert response.status_code == 200, response.content
    return sorted(one["name"] or "" for one in response.json()["data"])


@pytest.fixture
def people(caller: Caller) -> None:
    caller.customer(name="Grace", email="Grace@Example.com", phone="+15550100", metadata={"tier": "gold"})
    caller.customer(name="Ada", email="ada@example.org", metadata={"tier": "silver", "a key": 'say "hi"'})
    caller.customer(name="Bob", metadata={"note": "100% under_score", "0": "first"})
    caller.customer()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('name:"Grace"', ["Grace"]),
        ("name:'grace'", ["Grace"]),
        ('email:"GRACE@example.com"', ["Grace"]),
        ('email~"example"', ["Ada", "Grace"]),
        ('email~"EXAMPLE.org"', ["Ada"]),
        ('phone:"+15550100"', ["Grace"]),
        ('-email~"example"', ["", "Bob"]),
        ('-name:"Grace"', ["", "Ada", "Bob"]),
        ("email:null", ["", "Bob"]),
        ("-email:null", ["Ada", "Grace"]),
        ("name:NULL", [""]),
        ('metadata["tier"]:"gold"', ["Grace"]),
        ("metadata['tier']:'gold'", ["Grace"]),
        ('-metadata["tier"]:"gold"', ["", "Ada", "Bob"]),
        ('metadata["tier"]~"old"', ["Grace"]),
        ('-metadata["tier"]~"old"', ["", "Ada", "Bob"]),
        ('metadata["tier"]:null', ["", "Bob"]),
        ('-metadata["tier"]:null', ["Ada", "Grace"]),
        (r'metadata["a key"]:"say \"hi\""', ["Ada"]),
        ('metadata["note"]~"100%"', ["Bob"]),
        ('metadata["note"]~"r_s"', ["Bob"]),
        ('metadata["note"]~"1_0"', []),
        ('metadata["0"]~"irs"', ["Bob"]),
        ('metadata["0"]:"first"', ["Bob"]),
        ('-metadata["0"]:null', ["Bob"]),
        ('metadata["tier__contains"]:"gold"', []),
        ('metadata["tier__icontains"]~"gold"', []),
        ('name:"Grace" AND email~"example"', ["Grace"]),
        ('name:"Grace" email~"org"', []),
        ('name:"Grace" OR name:"Ada"', ["Ada", "Grace"]),
        ('name:"Grace" or name:"ada"', ["Ada", "Grace"]),
        ('  name:"Grace"   and   -email:null  ', ["Grace"]),
        ('name:"Grace" OR -name:null OR email:null', ["", "Ada", "Bob", "Grace"]),
        ("created>0", ["", "Ada", "Bob", "Grace"]),
        ('created<="0"', []),
        ('name:""', []),
    ],
)
def test_a_query_finds_what_it_says(caller: Caller, people: None, query: str, names: list[str]) -> None:
    assert _names(caller, query) == names


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("created:102", [102]),
        ("created>102", [103]),
        ("created>=102", [103, 102]),
        ("created<102", [101]),
        ("created<=102", [102, 101]),
        ("-created:102", [103, 101]),
        ("created>101 created<103", [102]),
        ("created>-5", [103, 102, 101]),
        ("created>999999999999999", []),
    ],
)
def test_a_search_is_bounded_by_time(caller: Caller, query: str, seconds: list[int]) -> None:
    for second in (101, 102, 103):
        at_half = floor_uuid(datetime.fromtimestamp(second + 0.5, tz=UTC))
        Customer.objects.create(id=at_half, account_id=caller.account.id)
    assert [one["created"] for one in caller.get(CUSTOMERS, query=query).json()["data"]] == seconds


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("amount:2000", [2000]),
        ('amount:"2000"', [2000]),
        ("amount>2000", [5000]),
        ("amount>=2000 AND amount<5000", [2000]),
        ("amount<999999999999", [5000, 2000, 1000]),
        ('currency:"EUR"', [5000]),
        ('-currency:"usd"', [5000]),
        ('status:"canceled"', [1000]),
        ('status:"requires_payment_method"', [5000, 2000]),
        ("customer:null", [5000, 1000]),
        ('customer:"CUSTOMER"', [2000]),
        ('-customer:"CUSTOMER"', [5000, 1000]),
        ('customer:"cus_nobody"', []),
        ('metadata["order"]:"7"', [2000]),
    ],
)
def test_payment_intents_are_found(caller: Caller, query: str, amounts: list[int]) -> None:
    customer = caller.customer()["id"]
    canceled = caller.intent(amount=1000)["id"]
    caller.post(f"/payment_intents/{canceled}/cancel/", {})
    caller.intent(amount=2000, customer=customer, metadata={"order": "7"})
    caller.intent(amount=5000, currency="eur")
    response = caller.get(INTENTS, query=query.replace("CUSTOMER", customer))
    assert [one["amount"] for one in response.json()["data"]] == amounts


def test_pages_of_a_search_meet_without_gap_or_overlap(caller: Caller) -> None:
    made = [caller.customer(name="Same")["id"] for _ in range(5)][::-1]
    found: list[str] = []
    parameters: dict[str, Any] = {"query": 'name:"Same"', "limit": 2}
    for has_more in (True, True, False):
        page = caller.get(CUSTOMERS, **parameters).json()
        assert {name: page[name] for name in ("object", "url", "has_more")} == {
            "object": "search_result",
            "url": CUSTOMERS,
            "has_more": has_more,
        }
        assert (page["next_page"] is not None) is has_more
        found += [one["id"] for one in page["data"]]
        parameters["page"] = page["next_page"]
    assert found == made


def test_a_page_belongs_to_its_search_and_its_account(caller: Caller, other_caller: Caller) -> None:
    for _ in range(2):
        caller.customer(name="Same")
        other_caller.customer(name="Same")
    page = caller.get(CUSTOMERS, query='name:"Same"', limit=1).json()["next_page"]
    invalid = (400, "parameter_invalid", "page")
    assert error_of(caller.get(CUSTOMERS, query='name:"Other"', page=page)) == invalid
    assert error_of(caller.get(INTENTS, query="amount:1", page=page)) == invalid
    assert error_of(other_caller.get(CUSTOMERS, query='name:"Same"', page=page)) == invalid
    for forged in ("x", page[:-1], f"{page}x", "a:b", "ImFiYyI:" + page.partition(":")[2]):
        assert error_of(caller.get(CUSTOMERS, query='name:"Same"', page=forged)) == invalid
    assert caller.get(CUSTOMERS, query='name:"Same"', page=page).status_code == 200


def test_a_search_finds_nothing_of_another_account(caller: Caller, other_caller: Caller) -> None:
    caller.customer(name="Grace")
    assert _names(other_caller, 'name:"Grace"') == []
    assert _names(other_caller, 'name:"Grace" OR created>0') == []


def test_a_search_is_one_statement_and_can_expand(caller: Caller) -> None:
    customer = caller.customer(name="Grace")
    for _ in range(3):
        caller.intent(customer=customer["id"])
    with CaptureQueriesContext(connection) as captured:
        found = caller.get(INTENTS, **{"query": "amount:2000", "expand[]": "data.customer"}).json()["data"]
    assert [one["customer"]["name"] for one in found] == ["Grace"] * 3
    assert len(captured) == 4
    assert PaymentIntent.objects.count() == 3


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "name",
        "name:",
        "name:Grace",
        'name"Grace"',
        'name:"Grace',
        'name: "Grace"',
        'name:"Grace"email:"a"',
        'name:"Grace" AND',
        'name:"Grace" XOR name:"A"',
        'AND name:"Grace"',
        'name:"A" AND name:"B" OR name:"C"',
        'name:"A" name:"B" OR name:"C"',
        '(name:"A")',
        '--name:"A"',
        'name>"A"',
        'name~"ab"',
        "name:5",
        "name~null",
        "created:null",
        'created:"soon"',
        "created~5",
        "created:1.5",
        "created:" + "9" * 16,
        'metadata:"a"',
        "metadata[tier]:'gold'",
        'metadata["tier"]>5',
        'metadata["tier"]:5',
        'name["tier"]:"gold"',
        'colour:"red"',
        "amount:5",
        'name__isnull:"a"',
        'account_id:"x"',
        " ".join(['name:"A"'] * 11),
        'name:"' + "x" * 2_000 + '"',
    ],
)
def test_a_query_that_cannot_be_read_is_refused(caller: Caller, query: str) -> None:
    refusal = error_of(caller.get(CUSTOMERS, query=query))
    assert refusal[0] == 400
    assert refusal[2] == "query"
    assert refusal[1] in {"search_query_invalid", "parameter_invalid_empty", "parameter_too_long"}


def test_the_message_says_where_and_what(caller: Caller) -> None:
    def message(query: str) -> str:
        text: str = caller.get(CUSTOMERS, query=query).json()["error"]["message"]
        return text

    assert "at character 10" in message('name:"A" (name:"B")')
    assert message('colour:"red"') == (
        "Field `colour` is an unsupported search field for resource `customers`; there are: created, email, "
        "metadata, name, phone."
    )
    assert "cannot be combined" in message('name:"A" AND name:"B" OR name:"C"')
    assert error_of(caller.get(CUSTOMERS)) == (400, "parameter_missing", "query")


strings = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(deadline=None)
@given(strings, strings, st.booleans(), st.sampled_from("\"'"))
def test_any_string_survives_its_quotes(key: str, value: str, negated: bool, quote: str) -> None:
    def quoted(text: str) -> str:
        return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote

    query = parse_search(f"{'-' if negated else ''}metadata[{quoted(key)}]:{quoted(value)}")
    assert query.clauses == (
        Clause(field="metadata", key=key, operator=Operator.EQUALS, value=value, negated=negated),
    )


@settings(deadline=None)
@given(st.text(alphabet="name:~<>=-\"'\\[] ANDOR5", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidParameter):
        assert parse_search(text).clauses


def test_a_hostile_query_is_refused(caller: Caller) -> None:
    for text in ('name:"' + "\\" * 1_900, "-" * 2_000, "a" * 1_999 + ":", 'metadata["' + '\\"' * 900):
        assert error_of(caller.get(CUSTOMERS, query=text))[0] == 400
