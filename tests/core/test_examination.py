"""The look at settlement tells what waits, and finds where nobody takes it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.examination import settlement
from core.models import PaymentIntent
from core.payments import create_and_confirm
from core.writes import Write

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("due_for", "told", "ids"),
    [
        (timedelta(minutes=-1), "0 payments due for settlement", [None, None]),
        (timedelta(seconds=30), "1 payment due for settlement", [None, None]),
        (timedelta(minutes=10), "1 payment due for settlement, the oldest for 10 min", ["core.E002", None]),
    ],
)
def test_payments_that_nobody_settles_are_found(account, due_for, told, ids):
    fields = {"amount": 2000, "currency": "usd", "payment_method": "pm_usBankAccount_success"}
    create_and_confirm(write=Write(account_id=account.id, owner=account.public_id), fields=fields)
    PaymentIntent.objects.update(settle_at=timezone.now() - due_for)
    seen = list(settlement())
    assert seen[0].told.startswith(told)
    assert [one.finding and one.finding.id for one in seen] == ids
