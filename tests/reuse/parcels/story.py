"""`python -m parcels.story URL`: register a receiver, send one parcel, lose another to a rollback.

Prints as JSON what the test goes on with.
"""

import json
import sys

import django

django.setup()

from django.db import transaction  # noqa: E402
from parcels.models import Parcel  # noqa: E402
from parcels.shipping import send_parcel  # noqa: E402

import dispatcher  # noqa: E402
import outbox  # noqa: E402
from dispatcher.endpoints import create_endpoint  # noqa: E402
from outbox.models import Event, PendingEvent  # noqa: E402

OWNER = "warehouse-7"

_, secret = create_endpoint(
    owner=OWNER, url=sys.argv[1], enabled_events=["parcel.sent"], api_version="2026-11-22"
)
event = send_parcel(owner=OWNER, code="P-1")
with transaction.atomic():
    send_parcel(owner=OWNER, code="P-2")
    transaction.set_rollback(True)

json.dump(
    {
        "outbox": outbox.__file__,
        "dispatcher": dispatcher.__file__,
        "secret": secret,
        "event": event.public_id,
        "parcels": list(Parcel.objects.values_list("code", flat=True)),
        "events": Event.objects.count(),
        "pending": PendingEvent.objects.count(),
    },
    sys.stdout,
)
