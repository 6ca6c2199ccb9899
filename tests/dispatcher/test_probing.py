"""A probe tells how far it came, by the rules of deliveries, and leaves nothing behind."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dispatcher.models import Attempt, DeliveryRecord
from dispatcher.probing import Stage, probe_endpoint
from dispatcher.sealing import unseal
from dispatcher.verification import verify_standard, verify_stripe
from outbox.models import Event
from tests.acceptance.shop import Shop
from tests.dispatcher.certificates import Authority
from tests.dispatcher.scenes import make_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.DISPATCHER = {
        **settings.DISPATCHER, "ALLOW_HTTP": True, "ALLOW_ADDRESSES": ["127.0.0.1/32"], "EXTRA_PORTS": ["any"],
    }  # fmt: skip


def probed(url: str) -> dict[str, tuple[bool, str | None]]:
    steps = list(probe_endpoint(make_endpoint(url=url)))
    assert not any(step.ms is not None and step.ms < 0 for step in steps)
    return {str(step.stage): (step.passed, step.code) for step in steps}


def test_a_ping_arrives_signed_and_is_recorded_nowhere():
    with Shop() as shop:
        endpoint = make_endpoint(url=f"http://127.0.0.1:{shop.port}/hook", status="disabled")
        steps = list(probe_endpoint(endpoint))
    assert [str(step.stage) for step in steps] == [str(stage) for stage in Stage]
    assert all(step.passed for step in steps)
    (received,) = shop.received
    secret = unseal(endpoint.secret)
    now = received.timestamp
    verify_stripe(header=received.headers["stripe-signature"], body=received.body, secret=secret, now=now)
    verify_standard(headers=received.headers, body=received.body, secret=secret, now=now)
    assert b'"type":"endpoint.test"' in received.body
    for rows in (Event.objects, DeliveryRecord.objects, Attempt.objects):
        assert not rows.exists()


@pytest.mark.parametrize(
    ("url", "last", "code"),
    [
        ("ftp://shop.test/", "url", "invalid_url"),
        ("https://no-such-host.invalid/", "dns", "dns_failed"),
        ("https://10.0.0.1/", "policy", "blocked_address"),
        ("http://127.0.0.1:{free}/", "tcp", "connection_refused"),
    ],
)
def test_a_probe_ends_at_the_stage_that_failed(url, last, code):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        steps = probed(url.format(free=unused.getsockname()[1]))
    assert list(steps)[-1] == last
    assert steps[last] == (False, code)
    assert all(passed for passed, _ in list(steps.values())[:-1])


@contextmanager
def tls_server(authority: Authority, **names: object) -> Iterator[int]:
    """One connection, which is shaken hands with and closed."""
    context = authority.server_context(**names)  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            # Whoever trusts no certificate hangs up amid the handshake, or right behind it.
            with peer, contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_tls_is_a_stage_of_its_own(tmp_path, settings):
    authority = Authority.create(tmp_path)
    with tls_server(authority) as port:
        steps = probed(f"https://127.0.0.1:{port}/")
    assert (steps["tcp"], steps["tls"]) == ((True, None), (False, "tls_untrusted"))
    assert "ping" not in steps
    settings.DISPATCHER = {**settings.DISPATCHER, "CA_BUNDLE": authority.bundle}
    with tls_server(authority) as port:
        steps = probed(f"https://127.0.0.1:{port}/")
    assert (steps["tls"], steps["ping"]) == ((True, None), (False, "http_5xx"))
