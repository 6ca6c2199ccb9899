"""What this project does: a parcel is sent, and whoever subscribed is told."""

from django.db import transaction
from parcels.models import Parcel

from outbox.models import Event
from outbox.recording import record_event


def send_parcel(*, owner: str, code: str) -> Event:
    """Opens one transaction: the parcel's row and the event that tells of it."""
    with transaction.atomic():
        parcel = Parcel.objects.create(code=code, sent=True)
        return record_event(
            owner=owner, type="parcel.sent", object_id=str(parcel.pk), data={"code": code, "sent": True}
        )
