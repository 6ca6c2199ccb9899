"""A probe: one signed ping to an endpoint, and how far it came.

It goes through the transport of deliveries with their own rules and address policy, so what a probe reaches a
delivery reaches, and nothing else. No event is recorded and no attempt: the endpoint's circuit, its order and its
rate do not notice.
"""

import json
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from requests.exceptions import RequestException

from dispatcher.claims import Claim, ClaimedEndpoint, Lease
from dispatcher.config import DispatcherSettings, dispatcher_settings
from dispatcher.delivery import DeliveryPlan
from dispatcher.endpoints import TEST_EVENT_TYPE
from dispatcher.failures import FailureCode
from dispatcher.models import Endpoint
from dispatcher.outcomes import Outcome, outcome_of
from dispatcher.transport import CurlAdapter
from dispatcher.urls import UrlRefused, check_url
from outbox.facts import EventFacts
from outbox.identifiers import new_uuid


class Stage(StrEnum):
    """In the order in which a delivery passes them."""

    URL = "url"
    DNS = "dns"
    POLICY = "policy"
    TCP = "tcp"
    TLS = "tls"
    PING = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage that was passed, or not."""

    stage: Stage
    passed: bool
    ms: float | None  # None where it took no time of its own
    told: str  # what was found, in words
    code: FailureCode | None = None


# How far an attempt came that failed so.
_STAGE_OF = {
    FailureCode.TIMEOUT_DNS: Stage.DNS,
    FailureCode.DNS_FAILED: Stage.DNS,
    FailureCode.BLOCKED_ADDRESS: Stage.POLICY,
    FailureCode.TIMEOUT_CONNECT: Stage.TCP,
    FailureCode.CONNECTION_REFUSED: Stage.TCP,
    FailureCode.UNREACHABLE: Stage.TCP,
    FailureCode.TIMEOUT_TLS: Stage.TLS,
    FailureCode.TLS_EXPIRED: Stage.TLS,
    FailureCode.TLS_HOSTNAME: Stage.TLS,
    FailureCode.TLS_UNTRUSTED: Stage.TLS,
    FailureCode.TLS_PROTOCOL: Stage.TLS,
}


def probe_endpoint(endpoint: Endpoint) -> Iterator[Step]:
    """Each stage as it is passed; the last one is the ping, or the first that failed. Requires no transaction.

    Waits no longer than an attempt's deadline, and the resolver's for the name.
    """
    settings = dispatcher_settings()
    try:
        checked = check_url(endpoint.url, settings.url_rules)
    except UrlRefused as refused:
        yield Step(stage=Stage.URL, passed=False, ms=None, told=refused.reason, code=refused.code)
        return
    yield Step(
        stage=Stage.URL, passed=True, ms=None, told=f"{checked.scheme}, {checked.host}, port {checked.port}"
    )
    began = time.monotonic()
    try:
        answers = socket.getaddrinfo(_known_to_libcurl(checked.host), checked.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        told = f"{checked.host} cannot be resolved: {getattr(error, 'strerror', None) or error}"
        yield Step(stage=Stage.DNS, passed=False, ms=_since(began), told=told, code=FailureCode.DNS_FAILED)
        return
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    yield Step(stage=Stage.DNS, passed=True, ms=_since(began), told=", ".join(addresses))
    refusals = [why for why in map(settings.address_policy.refusal, addresses) if why is not None]
    if refusals:
        yield Step(
            stage=Stage.POLICY,
            passed=False,
            ms=None,
            told="; ".join(refusals),
            code=FailureCode.BLOCKED_ADDRESS,
        )
        return
    yield Step(stage=Stage.POLICY, passed=True, ms=None, told="deliveries may go there")
    yield from _connected_steps(endpoint, settings)


def _known_to_libcurl(host: str) -> str:
    """RFC 6761: every name under localhost is this machine, which libcurl knows and not every resolver does."""
    return "localhost" if host.endswith(".localhost") else host


def _connected_steps(endpoint: Endpoint, settings: DispatcherSettings) -> Iterator[Step]:
    outcome = _ping(endpoint, settings)
    timings = outcome.timings
    code = outcome.failure_code
    failed_at = None if code is None else _STAGE_OF.get(code, Stage.PING)
    if timings.connect_ms is not None and failed_at is not Stage.TCP:
        yield Step(
            stage=Stage.TCP, passed=True, ms=timings.connect_ms, told=f"connected to {outcome.peer_ip}"
        )
    if urlsplit(endpoint.url).scheme.lower() == "http" and failed_at in (None, Stage.PING):
        yield Step(stage=Stage.TLS, passed=True, ms=None, told="not used: the URL is plain http")
    elif timings.tls_ms is not None and failed_at is not Stage.TLS:
        yield Step(stage=Stage.TLS, passed=True, ms=timings.tls_ms, told="agreed on, the certificate is good")
    if failed_at is None:
        told = f"answered {outcome.status}"
        yield Step(stage=Stage.PING, passed=True, ms=timings.first_byte_ms, told=told)
        return
    ms = timings.first_byte_ms if failed_at is Stage.PING else timings.total_ms
    yield Step(stage=failed_at, passed=False, ms=ms, told=outcome.detail, code=code)


def _ping(endpoint: Endpoint, settings: DispatcherSettings) -> Outcome:
    """As an attempt is made, of an event that is not stored."""
    plan = DeliveryPlan(
        renderer=settings.renderer, retry_policy=settings.retry_policy, user_agent=settings.user_agent
    )
    request = plan.build(_claim(endpoint), now=time.time())
    if isinstance(request, Outcome):
        return request
    adapter = CurlAdapter(
        address_policy=settings.address_policy,
        url_rules=settings.url_rules,
        total_timeout=settings.attempt_timeout.total_seconds(),
        connect_timeout=settings.connect_timeout.total_seconds(),
        slots=1,
        ca_bundle=settings.ca_bundle,
    )
    try:
        return outcome_of(adapter.send(request))
    except RequestException as error:
        return outcome_of(error)
    finally:
        adapter.close()


def _claim(endpoint: Endpoint) -> Claim:
    """Of no delivery: only its endpoint and its event are read."""
    event = EventFacts(
        id=new_uuid(),
        owner=endpoint.owner,
        type=TEST_EVENT_TYPE,
        object_id=endpoint.public_id,
        data=json.dumps(
            {"id": endpoint.public_id, "object": "webhook_endpoint", "url": endpoint.url},
            ensure_ascii=False,
            separators=(",", ":"),
        ),
        request_id=None,
        idempotency_key=None,
    )
    now = time.monotonic()
    return Claim(
        delivery_id=uuid.UUID(int=0),
        endpoint=ClaimedEndpoint(
            id=endpoint.id,
            url=endpoint.url,
            api_version=endpoint.api_version,
            sealed_secrets=(endpoint.secret,),
        ),
        event_id=event.id,
        claim_no=0,
        attempt_number=1,
        attempt_id=uuid.UUID(int=0),
        reclaimed=False,
        by_hand=True,
        event=event,
        lease=Lease(claimed_at=now, claimed_epoch=time.time(), ends_at=now),
    )


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1000
