"""`webhooks trace` while no dispatcher runs."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.models import Lane
from dispatcher.pause import pause_deliveries
from tests.command_line.running import within
from tests.dispatcher.scenes import fan_out, record

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_trace_says_when_a_delivery_is_tried_next_and_what_holds_it(endpoint):
    (event,) = record(owner=endpoint.owner, type="customer.created")
    fan_out()
    told = within("trace", event.public_id, "--text").data
    assert re.search(r"due since .+ ago$", told, re.MULTILINE)
    Lane.objects.update(hold_until=datetime.now(tz=UTC) + timedelta(minutes=9))
    told = within("trace", event.public_id, "--text").data
    assert re.search(r"next at .+, in [89](\.\d)? min: asked to wait until then$", told, re.MULTILINE)
    pause_deliveries()
    told = within("trace", event.public_id, "--text").data
    assert re.search(r"due since .+: deliveries are paused$", told, re.MULTILINE)
