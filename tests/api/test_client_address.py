"""Whose request it is: what a caller writes into X-Forwarded-For counts for nothing."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import RequestFactory

from api.client_address import client_network

PROXIES = ["10.0.0.0/8", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("93.184.216.34", None, "93.184.216.34"),
        ("93.184.216.34", "1.1.1.1", "93.184.216.34"),
        ("93.184.216.34", "1.1.1.1, 10.0.0.1", "93.184.216.34"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "93.184.216.34", "93.184.216.34"),
        ("10.0.0.1", "1.1.1.1, 93.184.216.34", "93.184.216.34"),
        ("10.0.0.1", "1.1.1.1, 93.184.216.34, 10.9.9.9", "93.184.216.34"),
        ("10.0.0.1", "10.0.0.2,10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "93.184.216.34, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense, 93.184.216.34", "93.184.216.34"),
        ("::ffff:10.0.0.1", "::ffff:93.184.216.34", "93.184.216.34"),
        ("2001:db8:1::7", "2606:4700::1:2:3:4", "2606:4700::/64"),
        ("2606:4700::ffff", None, "2606:4700::/64"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("", "93.184.216.34", "unknown"),
        ("/run/api.sock", None, "unknown"),
    ],
)
def test_the_caller_is_the_first_address_from_the_right_that_is_no_proxy_of_ours(
    settings: Any, peer: str, forwarded: str | None, caller: str
) -> None:
    settings.TRUSTED_PROXIES = [ip_network(text) for text in PROXIES]
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert client_network(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)) == caller


def test_without_trusted_proxies_the_header_is_not_read() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "1.1.1.1"})
    assert client_network(request) == "127.0.0.1"
