import contextlib
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatcher.errors import EndpointNotFound, OrderKeyNotStopped
from dispatcher.models import Endpoint
from dispatcher.ordering import resume_order_key, stopped_keys
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id


class Command(BaseCommand):
    help = (
        "Go on with order keys of an endpoint that stopped at a dead-lettered delivery. What waits behind it is "
        "sent; the dead-lettered delivery itself stays ended, and can be sent again by hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--endpoint", required=True, metavar="ID", help="the endpoint (we_…)")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--key", metavar="KEY", help="the order key; the event's object id, where none was given"
        )
        which.add_argument("--all", action="store_true", help="every key of the endpoint that stands still")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            endpoint_id = decode_id("we", options["endpoint"])
            owner = Endpoint.objects.values_list("owner", flat=True).get(id=endpoint_id)
            if options["all"]:
                resumed = self._resume_all(owner, endpoint_id)
            else:
                resume_order_key(owner=owner, endpoint_id=endpoint_id, order_key=options["key"])
                resumed = [options["key"]]
        except (InvalidIdentifier, Endpoint.DoesNotExist):
            raise CommandError(f"No such webhook endpoint: {options['endpoint']!r}") from None
        except (EndpointNotFound, OrderKeyNotStopped) as error:
            raise CommandError(str(error)) from None
        for key in resumed:
            self.stdout.write(key)
        self.stderr.write(f"{len(resumed)} order key{'' if len(resumed) == 1 else 's'} resumed.")

    def _resume_all(self, owner: str, endpoint_id: uuid.UUID) -> list[str]:
        resumed = []
        for stopped in stopped_keys(owner=owner, endpoint_id=endpoint_id):
            # Somebody else may have resumed it meanwhile.
            with contextlib.suppress(OrderKeyNotStopped):
                resume_order_key(owner=owner, endpoint_id=endpoint_id, order_key=stopped.order_key)
                resumed.append(stopped.order_key)
        return resumed
