"""Probing an endpoint from its page."""

from collections.abc import Callable

import pytest
from django.test import Client

from api.models import AuditEntry
from api.ops.roles import Role
from api.ops.views import probe
from api.rate_limit import Rate
from dispatcher.models import Attempt, Delivery
from tests.dispatcher.scenes import make_endpoint
from tests.ops.scenes import send

pytestmark = pytest.mark.django_db(transaction=True)
Browsers = Callable[[Role | None], Client]


def test_a_probe_goes_no_further_than_deliveries_may_and_says_why(operator: Client):
    endpoint = make_endpoint(url="https://127.0.0.1/hook")
    answer = send(operator, f"/ops/endpoints/{endpoint.public_id}/probe/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "The ping did not succeed." in text
    assert text.index("Name</th>") < text.index("Address policy</th>")
    assert "Signed ping</th>" not in text
    assert 'href="/docs/failure-codes/#blocked_address"' in text
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after) == ("endpoint.probed", {"passed": False, "came to": "policy"})
    assert not Delivery.objects.exists()
    assert not Attempt.objects.exists()


def test_an_endpoint_is_not_probed_for_ever(operator: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probe, "_RATE", Rate.per_minute(1))
    path = f"/ops/endpoints/{make_endpoint(url='https://127.0.0.1/hook').public_id}/probe/"
    assert send(operator, path).status_code == 200
    refused = send(operator, path)
    assert refused.status_code == 409
    assert "The next one is possible in" in refused.content.decode()
    assert AuditEntry.objects.count() == 1


def test_a_viewer_probes_nothing(browser: Browsers):
    client = browser(Role.VIEWER)
    client.handler.enforce_csrf_checks = False
    path = f"/ops/endpoints/{make_endpoint().public_id}/probe/"
    assert client.post(path, {}).status_code == 403
    assert "Probe" not in client.get(path.removesuffix("probe/")).content.decode()
