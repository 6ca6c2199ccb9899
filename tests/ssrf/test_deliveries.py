"""An endpoint whose name leads elsewhere since it was made: what the dispatcher does, and what it records."""

import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from dispatcher.endpoints import create_endpoint
from dispatcher.models import Attempt, FinishedDelivery
from dispatcher.urls import check_addresses
from tests.dispatcher.scenes import OWNER, record
from tests.hostile.receivers import Receiver, answer_all
from tests.processes import Command

pytestmark = pytest.mark.django_db(transaction=True)


def public(host: str, port: int, **_: Any) -> Sequence[tuple[Any, ...]]:
    """Every name's answer, when an endpoint is made."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]


def test_a_name_that_leads_to_a_denied_address_when_it_is_sent_to_ends_the_delivery_at_once(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DISPATCHER = {**settings.DISPATCHER, "ALLOW_HTTP": True, "EXTRA_PORTS": ["any"]}
    monkeypatch.setattr("dispatcher.endpoints.check_addresses", partial(check_addresses, resolve=public))
    with Receiver(answer_all()) as receiver:
        url = receiver.url(host="localhost")
        create_endpoint(owner=OWNER, url=url, enabled_events=["*"], api_version="2026-10-28.endive")
        record(1)
        with Command("run_dispatcher", "--drain", WEBHOOK_ALLOW_ADDRESSES="") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
        assert receiver.connections == 0
        ended = FinishedDelivery.objects.values_list("state", "reason").get()
        attempt = Attempt.objects.get()
        # The same name is connected where the operator allows loopback.
        record(1)
        with Command("run_dispatcher", "--drain") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
        assert receiver.connections == 1

    assert ended == ("dead_lettered", "blocked_address")
    assert (attempt.number, attempt.failure_code, attempt.peer_ip) == (1, "blocked_address", None)
    assert attempt.detail == "localhost leads to an address that is not allowed"
