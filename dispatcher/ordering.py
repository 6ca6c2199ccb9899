"""Order keys that stopped, and going on with them."""

import uuid

from django.db import transaction
from django.db.models import QuerySet

from dispatcher.endpoints import get_endpoint
from dispatcher.errors import OrderKeyNotStopped
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import StoppedKey


def stopped_keys(*, owner: str, endpoint_id: uuid.UUID) -> QuerySet[StoppedKey]:
    """The order keys of an endpoint that stand still, longest first.

    Raises:
        EndpointNotFound: as get_endpoint.
    """
    endpoint = get_endpoint(owner=owner, endpoint_id=endpoint_id)
    return StoppedKey.objects.filter(endpoint_id=endpoint.id).order_by("since", "order_key")


def resume_order_key(*, owner: str, endpoint_id: uuid.UUID, order_key: str) -> StoppedKey:
    """Go on with what waits behind a dead-lettered delivery; in a transaction. Gives what stood still.

    The dead-lettered delivery itself stays ended: it can be sent again by hand, before or after.

    Raises:
        EndpointNotFound: as get_endpoint.
        OrderKeyNotStopped: the key does not stand still there.
    """
    get_endpoint(owner=owner, endpoint_id=endpoint_id)
    with transaction.atomic():
        stopped = (
            StoppedKey.objects.select_for_update()
            .filter(endpoint_id=endpoint_id, order_key=order_key)
            .first()
        )
        if stopped is None:
            raise OrderKeyNotStopped(endpoint_id, order_key)
        StoppedKey.objects.filter(id=stopped.id).delete()
        touches = LaneTouches()
        touches[endpoint_id].order_keys.add(order_key)
        touch_lanes(touches)
    return stopped
