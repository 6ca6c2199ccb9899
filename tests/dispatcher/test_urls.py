"""URL rules, and the addresses a URL's host has when an endpoint is created."""

import socket
from typing import Any

import pytest

from dispatcher.addresses import AddressPolicy
from dispatcher.failures import FailureCode
from dispatcher.urls import ANY_PORT, UrlRefused, UrlRules, check_addresses, check_url

RULES = UrlRules()
RULES_HTTP = UrlRules(allow_http=True, ports=frozenset({443, 8443, 4242}))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://shop.test", "https://shop.test/"),
        ("HTTPS://Shop.TEST/Hook", "https://shop.test/Hook"),
        ("https://shop.test:443/a", "https://shop.test/a"),
        ("https://shop.test:/a", "https://shop.test/a"),
        ("https://shop.test:8443/a?b=c&d[]=e%20f", "https://shop.test:8443/a?b=c&d[]=e%20f"),
        ("https://shop.test./a", "https://shop.test/a"),
        ("https://bücher.test/", "https://xn--bcher-kva.test/"),
        ("https://xn--bcher-kva.test/", "https://xn--bcher-kva.test/"),
        ("https://shop。test。/", "https://shop.test/"),
        ("https://shop.test/é?ü=1", "https://shop.test/%C3%A9?%C3%BC=1"),
        ("https://my_shop-1.test/", "https://my_shop-1.test/"),
        ("https://123.shop.test/", "https://123.shop.test/"),
        ("https://93.184.216.34/", "https://93.184.216.34/"),
        ("https://[2606:4700::0:1111]:8443/a", "https://[2606:4700::1111]:8443/a"),
        ("https://shop.test?a=b", "https://shop.test/?a=b"),
    ],
)
def test_url_is_brought_into_one_form(url: str, normal: str) -> None:
    checked = check_url(url, RULES)

    assert checked.text == normal
    assert check_url(checked.text, RULES) == checked


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://shop.test/", "https://"),
        ("ftp://shop.test/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("//shop.test/", "https://"),
        ("shop.test", "https://"),
        ("", "https://"),
        ("https://", "no host"),
        ("https:///hook", "no host"),
        ("https://./", "no host"),
        ("https://user@shop.test/", "user name"),
        ("https://user:pw@shop.test/", "user name"),
        ("https://:@shop.test/", "user name"),
        ("https://shop.test@evil.test/", "user name"),
        ("https://shop.test/#part", "fragment"),
        ("https://shop.test/#", "fragment"),
        ("https://shop.test\\@evil.test/", "backslash"),
        ("https:\\\\shop.test/", "backslash"),
        ("https://shop.test/a b", "space"),
        (" https://shop.test/", "space"),
        ("https://shop.test/\r\nX: 1", "control"),
        ("https://shop.test/\x00", "control"),
        ("https://shop\t.test/", "control"),
        ("https://shop%2etest/", "percent"),
        ("https://[fe80::1%25eth0]/", "percent"),
        ("https://shop.test:22/", "port 22"),
        ("https://shop.test:80/", "port 80"),
        ("https://shop.test:0/", "port 0"),
        ("https://shop.test:70000/", "malformed"),
        ("https://shop.test:https/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://[::g]/", "malformed|IPv6"),
        ("https://2130706433/", "number"),
        ("https://0x7f000001/", "number"),
        ("https://127.1/", "number"),
        ("https://127.0.0.0x1/", "number"),
        ("https://0177.0.0.1/", "number"),
        ("https://127.0.0.1.5/", "number"),
        ("https://１２７.０.０.１/", "number"),
        ("https://shop..test/", "domain name"),
        ("https://-shop.test/", "domain name"),
        ("https://shop!.test/", "domain name"),
        ("https://" + "a" * 64 + ".test/", "domain name"),
        ("https://" + "a." * 130 + "test/", "253"),
        ("https://shop.test/" + "a" * 2048, "2048"),
    ],
)
def test_url_that_breaks_a_rule_is_refused_with_the_rule(url: str, word: str) -> None:
    with pytest.raises(UrlRefused, match=word) as caught:
        check_url(url, RULES)

    assert caught.value.code is FailureCode.INVALID_URL


def test_http_and_further_ports_need_the_operator() -> None:
    assert check_url("http://127.0.0.1:4242/hook", RULES_HTTP).port == 4242
    assert check_url("http://shop.test/", RULES_HTTP).port == 80
    assert check_url("http://shop.test:9/", UrlRules(allow_http=True, ports=ANY_PORT)).port == 9
    with pytest.raises(UrlRefused, match="port 80"):
        check_url("https://shop.test:80/", RULES_HTTP)


def answers(*addresses: str) -> Any:
    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return resolve


def test_url_whose_addresses_are_all_public_passes() -> None:
    checked = check_addresses(
        "https://shop.test/", RULES, AddressPolicy(), answers("1.1.1.1", "2606:4700::1111")
    )

    assert checked.host == "shop.test"


def test_one_denied_answer_among_public_ones_refuses_the_url() -> None:
    with pytest.raises(UrlRefused, match="not allowed") as caught:
        check_addresses("https://shop.test/", RULES, AddressPolicy(), answers("1.1.1.1", "10.0.0.1"))

    assert caught.value.code is FailureCode.BLOCKED_ADDRESS


def test_what_a_name_resolved_to_is_not_told_and_a_literal_is() -> None:
    with pytest.raises(UrlRefused) as by_name:
        check_addresses("https://shop.test/", RULES, AddressPolicy(), answers("10.20.30.40"))
    with pytest.raises(UrlRefused) as by_literal:
        check_addresses("https://10.20.30.40/", RULES, AddressPolicy(), answers("10.20.30.40"))

    assert by_name.value.reason == "shop.test leads to an address that is not allowed"
    assert "10.20.30.40" in by_literal.value.reason


def test_url_rules_come_before_any_resolution() -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        raise AssertionError("a refused URL was resolved")

    with pytest.raises(UrlRefused):
        check_addresses("http://shop.test/", RULES, AddressPolicy(), resolve)


def test_name_that_does_not_resolve_is_refused() -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for resolver in (resolve, answers()):
        with pytest.raises(UrlRefused, match=r"shop\.test") as caught:
            check_addresses("https://shop.test/", RULES, AddressPolicy(), resolver)
        assert caught.value.code is FailureCode.DNS_FAILED


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://localhost/"]
)
def test_private_literal_is_refused_by_the_real_resolver_too(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        check_addresses(url, RULES, AddressPolicy())

    assert caught.value.code is FailureCode.BLOCKED_ADDRESS
