"""Services around endpoints: creation, change, secrets, deletion, test events."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatcher.claims import ClaimedEndpoint
from dispatcher.deliveries import list_deliveries
from dispatcher.endpoints import (
    create_endpoint,
    delete_endpoint,
    endpoints_of,
    get_endpoint,
    roll_secret,
    send_test_event,
    update_endpoint,
)
from dispatcher.errors import EndpointNotFound, InvalidEndpoint, TooManyEndpoints
from dispatcher.models import Endpoint, FinishedDelivery, Lane
from dispatcher.sealing import signing_keys, unseal
from dispatcher.urls import UrlRefused
from outbox.models import Event, PendingEvent
from tests.dispatcher.scenes import OWNER, claim, fan_out, finish, lane_of, make_endpoint, query, record

pytestmark = pytest.mark.django_db

PUBLIC = "https://93.184.215.14/hook"


def create(**changes):
    given = {"owner": OWNER, "url": PUBLIC, "enabled_events": ["*"], "api_version": "v1"}
    return create_endpoint(**{**given, **changes})


def test_created_endpoint_has_a_lane_and_a_secret_that_is_kept_sealed():
    endpoint, secret = create(metadata={"k": "v"}, description="orders", max_in_flight=7)
    stored = Endpoint.objects.get()
    assert stored.url == PUBLIC
    assert (stored.metadata, stored.description, stored.status) == ({"k": "v"}, "orders", "enabled")
    assert secret.startswith("whsec_")
    assert secret not in stored.secret
    assert unseal(stored.secret) == secret
    assert Lane.objects.values_list("max_in_flight", "quantum", "in_flight").get() == (7, 7, 0)
    assert endpoint.status_since == stored.status_since


def test_creation_is_one_statement_after_the_hook():
    seen = []
    with CaptureQueriesContext(connection) as statements:
        create(on_write=lambda endpoint, secret: seen.append((endpoint.url, secret)))
    assert len([s for s in statements if "SAVEPOINT" not in s["sql"]]) == 1
    assert len(seen) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/hook",
        "ftp://93.184.215.14/",
        "https://user:pass@93.184.215.14/",
        "https://93.184.215.14:22/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://10.0.0.1/",
        "https://2130706433/",
        "https://shop.test/#part",
        "not a url",
    ],
)
def test_a_url_that_deliveries_may_not_reach_is_refused(url):
    with pytest.raises(UrlRefused):
        create(url=url)
    assert not Endpoint.objects.exists()


def test_an_owner_has_at_most_so_many():
    for _ in range(16):
        make_endpoint()
    with pytest.raises(TooManyEndpoints, match="at most 16"):
        create()
    create(owner="acct_other")


@pytest.mark.parametrize("width", [0, -1, 10_001])
def test_max_in_flight_out_of_range_is_refused(width):
    with pytest.raises(InvalidEndpoint, match="max_in_flight: must be between 1 and 10000"):
        create(max_in_flight=width)


def test_another_owners_endpoint_is_not_found():
    endpoint = make_endpoint(owner="acct_other")
    for service in (
        lambda: get_endpoint(owner=OWNER, endpoint_id=endpoint.id),
        lambda: update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"description": "mine"}),
        lambda: delete_endpoint(owner=OWNER, endpoint_id=endpoint.id),
        lambda: roll_secret(owner=OWNER, endpoint_id=endpoint.id, overlap=timedelta(0)),
        lambda: send_test_event(owner=OWNER, endpoint_id=endpoint.id),
    ):
        with pytest.raises(EndpointNotFound, match=f"No such webhook endpoint: '{endpoint.public_id}'"):
            service()


def test_update_changes_what_it_names_and_nothing_else():
    endpoint = make_endpoint()
    updated = update_endpoint(
        owner=OWNER,
        endpoint_id=endpoint.id,
        changes={"enabled_events": ["parcel.lost"], "max_in_flight": 3, "status": "disabled"},
    )
    assert updated.enabled_events == ["parcel.lost"]
    assert (updated.status, updated.status_reason, updated.url) == ("disabled", "by_request", endpoint.url)
    assert updated.status_since > endpoint.created_at
    assert Lane.objects.values_list("max_in_flight", "quantum").get() == (3, 3)
    enabled = update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})
    assert (enabled.status, enabled.status_reason) == ("enabled", None)


def test_disabling_ends_what_is_due_and_enabling_goes_on_with_the_rest():
    endpoint = make_endpoint()
    record(2)
    fan_out()
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
    assert lane_of(endpoint)[1] is True
    assert claim() == []
    assert FinishedDelivery.objects.filter(state="cancelled", reason="endpoint_disabled").count() == 2
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})
    record(1)
    fan_out()
    assert len(claim()) == 1


def test_deleted_endpoint_is_gone_but_its_history_stays():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    finish(claim())
    delete_endpoint(owner=OWNER, endpoint_id=endpoint.id)
    assert list(endpoints_of(OWNER)) == []
    assert [row.endpoint_id for row in list_deliveries(owner=OWNER, limit=5).rows] == [endpoint.id]
    with pytest.raises(EndpointNotFound):
        get_endpoint(owner=OWNER, endpoint_id=endpoint.id)
    record(1)
    fan_out()
    assert claim() == []
    assert list_deliveries(owner=OWNER, limit=5).has_more is False


def test_rolled_secret_signs_beside_the_old_one_until_the_overlap_is_over():
    endpoint, old = create()
    _, new = roll_secret(owner=OWNER, endpoint_id=endpoint.id, overlap=timedelta(hours=1))
    record(2)
    fan_out()
    claimed = claim(1)[0].endpoint
    assert [unseal(secret) for secret in claimed.sealed_secrets] == [new, old]
    signature = signing_keys(*claimed.sealed_secrets).headers(message_id="evt", timestamp=1, body=b"{}")
    assert signature["Stripe-Signature"].count("v1=") == 2
    query("UPDATE dispatcher_endpoint SET previous_secret_expires_at = now() - interval '1 second'")
    query("UPDATE dispatcher_lane SET ready_at = now()")
    later: ClaimedEndpoint = claim(1)[0].endpoint
    assert [unseal(secret) for secret in later.sealed_secrets] == [new]


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(hours=25)])
def test_overlap_out_of_range_is_refused(overlap):
    endpoint = make_endpoint()
    with pytest.raises(InvalidEndpoint, match="overlap_seconds: must be between 0 and 86400"):
        roll_secret(owner=OWNER, endpoint_id=endpoint.id, overlap=overlap)


def test_test_event_goes_to_one_endpoint_even_a_disabled_one():
    endpoint = make_endpoint(status="disabled", enabled_events=["parcel.lost"])
    make_endpoint()
    delivery = send_test_event(owner=OWNER, endpoint_id=endpoint.id, request_id="req_1")
    assert (delivery.state, delivery.manual, delivery.endpoint_id) == ("pending", True, endpoint.id)
    assert Event.objects.values_list("type", "request_id").get() == ("endpoint.test", "req_1")
    assert not PendingEvent.objects.exists()
    assert [one.delivery_id for one in claim()] == [delivery.id]
