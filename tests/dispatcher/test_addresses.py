"""Every rule of the address policy, from both sides of its border."""

import pytest

from dispatcher.addresses import AddressPolicy

DENIED = [
    "0.0.0.0", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "4000::1", "1fff::1",
    "2001::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "3fff:fff::1",
    "2a00:1450::5efe:a00:1", "2a00:1450::200:5efe:808:808",
]  # fmt: skip

PERMITTED = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
    "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
    "::ffff:8.8.8.8", "2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111",
    "3ffe::1", "3fff:1000::1", "2a00:1450::5eff:a00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", DENIED)
def test_address_that_is_not_public_is_refused_with_a_reason(address: str) -> None:
    policy = AddressPolicy()

    assert not policy.permits(address)
    assert policy.refusal(address)


@pytest.mark.parametrize("address", PERMITTED)
def test_public_address_is_permitted(address: str) -> None:
    assert AddressPolicy().refusal(address) is None


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.01", "1.2.3.4.5", "::g"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not AddressPolicy().permits(text)


def test_operator_allowance_wins_over_the_defaults() -> None:
    policy = AddressPolicy(allow=["127.0.0.0/8", "fd00::/8"])

    assert policy.permits("127.0.0.1")
    assert policy.permits("::ffff:127.0.0.1")
    assert policy.permits("fd00::1")
    assert not policy.permits("10.0.0.1")
    assert not policy.permits("::1")


def test_operator_denial_wins_over_the_allowance() -> None:
    policy = AddressPolicy(allow=["10.0.0.0/8"], deny=["10.1.0.0/16", "8.8.8.0/24"])

    assert policy.permits("10.0.0.1")
    assert not policy.permits("10.1.0.1")
    assert not policy.permits("8.8.8.8")
    assert "operator" in (policy.refusal("8.8.8.8") or "")


@pytest.mark.parametrize("network", ["::ffff:8.8.8.0/120", "::ffff:808:800/120", "8.8.8.0/24"])
def test_network_of_mapped_addresses_is_the_ipv4_network_within(network: str) -> None:
    denying, allowing = AddressPolicy(deny=[network]), AddressPolicy(allow=["::ffff:10.0.0.0/104"])

    assert not denying.permits("8.8.8.8")
    assert not denying.permits("::ffff:8.8.8.8")
    assert denying.permits("8.8.9.8")
    assert allowing.permits("10.1.2.3")
    assert not allowing.permits("172.16.0.1")


def test_judging_many_addresses_keeps_the_memory_bounded_and_the_verdicts_right() -> None:
    policy = AddressPolicy()

    for number in range(20_000):
        assert policy.permits(f"8.{number >> 8 & 255}.{number & 255}.1")
    assert len(policy._refusals) < 10_000
    assert not policy.permits("10.0.0.1")


@pytest.mark.parametrize("entry", ["127.0.0.1/8", "everything", "300.0.0.0/8"])
def test_entry_that_is_no_network_is_refused(entry: str) -> None:
    with pytest.raises(ValueError):
        AddressPolicy(allow=[entry])
