"""ALLOWED_HOSTS is held to: a foreign Host is refused, but for probes, which come by address."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("host", ["evil.example", "a b<>"])
def test_a_foreign_host_is_refused_in_the_envelope(host):
    answer = Client().get("/customers/", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["error"]["request_id"] == answer["Request-Id"]


def test_a_probe_may_come_by_any_address():
    assert Client().get("/healthz", headers={"host": "10.1.2.3:8000"}).status_code == 200
