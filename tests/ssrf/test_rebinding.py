"""Names that change, mix and pass on their addresses: the address that is judged is the one that is connected."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.ssrf.internet import (
    EVERYWHERE,
    PUBLIC,
    PUBLIC_IPV6,
    Listeners,
    attempt,
    creation,
    names,
    played_on_an_internet,
    transport,
)

URL = "http://shop.example/hook"
DENIED = [
    "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254",
    "64:ff9b::7f00:1", "2002:7f00:1::1",
]  # fmt: skip

Answers = Mapping[str, Sequence[Sequence[str]]]


def made_and_sent_to(answers: Answers, ttl: int, everywhere: bool) -> dict[str, Any]:
    """The endpoint is made, which asks for its name once, and then sent to, which asks again."""
    listeners = Listeners(80)
    with names(answers, ttl=ttl), transport(EVERYWHERE if everywhere else None) as adapter:
        made = creation(URL)
        outcome = attempt(adapter, URL)
    return {
        "made": made,
        "code": outcome.failure_code,
        "detail": outcome.detail,
        "reached": listeners.reached(),
    }


def made_and_rebound(addresses: Sequence[str], ttl: int) -> dict[str, Any]:
    """An endpoint for each of the addresses, with a name of its own that leads there once the endpoint is made."""
    listeners = Listeners(80)
    answers = {f"shop{number}.example": [[PUBLIC], [address]] for number, address in enumerate(addresses)}
    with names(answers, ttl=ttl), transport() as adapter:
        made = [creation(f"http://{name}/") for name in answers]
        outcomes = [attempt(adapter, url) for url in made]
    return {
        "made": made,
        "codes": [outcome.failure_code for outcome in outcomes],
        "details": [outcome.detail for outcome in outcomes],
        "reached": listeners.reached(),
    }


@pytest.mark.parametrize("ttl", [0, 300])
def test_names_that_were_public_at_creation_and_are_denied_at_send_are_not_connected(
    ttl: int, record_property: Callable[[str, object], None]
) -> None:
    found = played_on_an_internet(made_and_rebound, DENIED, ttl)

    hosts = [f"shop{number}.example" for number in range(len(DENIED))]
    assert found["made"] == [f"http://{host}/" for host in hosts]
    assert found["reached"] == []
    assert found["codes"] == ["blocked_address"] * len(DENIED)
    assert found["details"] == [f"{host} leads to an address that is not allowed" for host in hosts]
    record_property(
        "ssrf",
        f"{len(DENIED)} names rebound after creation, TTL {ttl}: "
        f"connections to denied addresses: {len(found['reached'])}",
    )


def test_the_same_listeners_count_a_rebound_name_where_its_address_is_allowed() -> None:
    answers = {"shop.example": [[PUBLIC], ["127.0.0.1"]]}

    found = played_on_an_internet(made_and_sent_to, answers, 0, True)

    assert found["reached"] == ["127.0.0.1"]
    assert found["code"] is None


@pytest.mark.parametrize(
    "answer",
    [
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        [PUBLIC_IPV6, "127.0.0.1"],
        ["::1", PUBLIC_IPV6, "10.0.0.1", "169.254.169.254"],
    ],
    ids=" ".join,
)
def test_of_mixed_addresses_only_the_public_one_is_connected(answer: list[str]) -> None:
    public = [address for address in answer if address in (PUBLIC, PUBLIC_IPV6)]

    found = played_on_an_internet(made_and_sent_to, {"shop.example": [answer]}, 0, False)

    assert found["made"] == "blocked_address"
    assert found["code"] is None
    assert found["reached"] == public


def refused_by_the_public_one(answer: Sequence[str], everywhere: bool) -> dict[str, Any]:
    """Only loopback listens, so libcurl goes on to the other addresses of the name."""
    listeners = Listeners(81, host="127.0.0.1"), Listeners(81, host="::1")
    with (
        names({"shop.example": [answer]}),
        transport(EVERYWHERE if everywhere else None) as adapter,
    ):
        outcome = attempt(adapter, "http://shop.example:81/")
    return {"code": outcome.failure_code, "reached": [one for each in listeners for one in each.reached()]}


@pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])
def test_a_public_address_that_refuses_leads_to_no_denied_one(loopback: str) -> None:
    found = played_on_an_internet(refused_by_the_public_one, [PUBLIC, loopback], False)
    control = played_on_an_internet(refused_by_the_public_one, [PUBLIC, loopback], True)

    assert found == {"code": "connection_refused", "reached": []}
    assert control == {"code": None, "reached": [loopback]}


CHAIN = {f"alias{number}.example": [[f"alias{number + 1}.example"]] for number in range(8)}


@pytest.mark.parametrize(
    "answers",
    [
        {"shop.example": [[PUBLIC], ["alias0.example"]], **CHAIN, "alias8.example": [["127.0.0.1"]]},
        {"shop.example": [["alias0.example"]], **CHAIN, "alias8.example": [[PUBLIC], ["::1"]]},
        {"shop.example": [[PUBLIC], ["localhost"]], "localhost": [["127.0.0.1"]]},
        {"shop.example": [[PUBLIC], ["db.internal"]], "db.internal": [["10.20.30.40"]]},
    ],
    ids=["an alias of loopback", "an alias that is rebound", "localhost", "a name of the operator's own"],
)
def test_aliases_are_followed_to_the_address_that_is_judged(answers: Answers) -> None:
    found = played_on_an_internet(made_and_sent_to, answers, 0, False)

    assert found["made"] == URL
    assert found["reached"] == []
    assert found["code"] == "blocked_address"
    assert "10.20.30.40" not in found["detail"]


def test_an_alias_of_a_public_address_is_connected() -> None:
    answers = {"shop.example": [["alias0.example"]], **CHAIN, "alias8.example": [[PUBLIC]]}

    found = played_on_an_internet(made_and_sent_to, answers, 0, False)

    assert (found["made"], found["code"], found["reached"]) == (URL, None, [PUBLIC])


def rebound_between_two(answer: str) -> dict[str, Any]:
    """Two attempts of one dispatcher, between which the name leads elsewhere, and one of another dispatcher."""
    listeners = Listeners(80, answer=answer.encode())
    with names({"shop.example": [[PUBLIC], ["127.0.0.1"]]}):
        with transport() as adapter:
            codes = [attempt(adapter, URL).failure_code for _ in range(2)]
        with transport() as another:
            codes.append(attempt(another, URL).failure_code)
    return {"codes": codes, "reached": listeners.reached(), "requests": len(listeners.requests)}


@pytest.mark.parametrize(("connection", "connections"), [("keep-alive", 1), ("close", 2)])
def test_a_name_that_is_rebound_between_attempts_leads_nowhere_else(
    connection: str, connections: int
) -> None:
    answer = f"HTTP/1.1 200 OK\r\nConnection: {connection}\r\nContent-Length: 2\r\n\r\nok"

    found = played_on_an_internet(rebound_between_two, answer)

    # The second attempt goes to the address that is kept, or still known; both were judged.
    assert found["reached"] == [PUBLIC] * connections
    assert found["codes"] == [None, None, "blocked_address"]
    assert found["requests"] == 2
