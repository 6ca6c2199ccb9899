"""`python -m tools.demo_data.furnishing`: the rows that stand before the run begins; what was made comes as JSON.

A process of its own, with the product's settings: accounts with keys, endpoints, people, the generated past.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django

# Of everybody in the demo data; their database listens on no network.
PASSWORD = "only for demo data 1"
SEED = 20261128


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--per-day", type=int, required=True)
    parser.add_argument("--port", type=int, required=True, help="of the merchants' servers")
    parser.add_argument("--closed-port", type=int, required=True, help="where none listens")
    options = parser.parse_args()
    django.setup()
    made = furnish(
        days=options.days, per_day=options.per_day, port=options.port, closed_port=options.closed_port
    )
    json.dump(made, sys.stdout)
    return 0


def furnish(*, days: int, per_day: int, port: int, closed_port: int) -> dict[str, Any]:
    """Write all of it; ids and keys by the names of the cast."""
    from core.api_keys import create_api_key
    from tools.demo_data.cast import MERCHANTS
    from tools.demo_data.past import Furnished, make_partitions, write_past

    chance = random.Random(SEED)
    make_partitions(days=days)
    began = datetime.now(tz=UTC) - timedelta(days=days, hours=1)
    merchants: list[Furnished] = []
    shown: dict[str, Any] = {"merchants": {}, "endpoints": {}, "people": _people(), "password": PASSWORD}
    shown["entry_link"] = _entry_link()
    for part in MERCHANTS:
        merchant = _merchant(part, began, port=port, closed_port=closed_port, chance=chance)
        merchants.append(merchant)
        shown["merchants"][part.key] = {
            "account": merchant.account.public_id,
            "api_key": create_api_key(account=merchant.account, name="Server"),
            "customers": [customer.public_id for customer in merchant.customers],
        }
        shown["endpoints"] |= {one.key: endpoint.public_id for one, endpoint in merchant.endpoints}
    shown["past_attempts"] = write_past(merchants, days=days, per_day=per_day, chance=chance)
    return shown


def _merchant(part: Any, began: datetime, *, port: int, closed_port: int, chance: random.Random) -> Any:
    from core.models import Account, Customer
    from tools.demo_data.past import Furnished, uuid_at

    account = Account.objects.create(id=uuid_at(began, chance), name=part.name)
    customers = [
        Customer.objects.create(id=uuid_at(began, chance), account=account, name=name, email=email)
        for name, email in part.customers
    ]
    endpoints = [
        (one, _endpoint(one, account.public_id, began, port if one.key != "down" else closed_port, chance))
        for one in part.endpoints
    ]
    return Furnished(part=part, account=account, customers=customers, endpoints=endpoints)


def _endpoint(part: Any, owner: str, began: datetime, port: int, chance: random.Random) -> Any:
    """Without the checks of its URL: the names lead to this machine, and one nowhere."""
    from django.db import connection

    from core.versions import STRIPE
    from dispatcher.models import Endpoint
    from dispatcher.sealing import seal
    from dispatcher.signing import new_secret
    from tools.demo_data.past import uuid_at

    endpoint = Endpoint.objects.create(
        id=uuid_at(began, chance),
        owner=owner,
        url=part.url(port)[:2_000],
        description=part.description,
        enabled_events=list(part.events),
        api_version=STRIPE,
        secret=seal(new_secret()),
        status_since=began,
        ordered=part.ordered,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dispatcher_lane"
            " (endpoint_id, max_in_flight, quantum, rate_limit, burst, tokens, tokens_at)"
            " VALUES (%(id)s, 64, 64, %(rate)s, %(rate)s, coalesce(%(rate)s, 0),"
            " CASE WHEN %(rate)s IS NULL THEN '-infinity' ELSE clock_timestamp() END)",
            {"id": endpoint.id, "rate": part.rate_limit},
        )
    return endpoint


def _people() -> dict[str, str]:
    """Somebody of each role; their names by it."""
    from api.ops.people import create_person
    from api.ops.roles import Role

    names = {Role.VIEWER: "vera", Role.OPERATOR: "omar", Role.ADMIN: "ada"}
    for role, name in names.items():
        person = create_person(name, role)
        person.set_password(PASSWORD)
        person.save()
    return {role.group: name for role, name in names.items()}


def _entry_link() -> str:
    """One that nobody has used yet."""
    from api.ops.entry_links import new_entry_link
    from api.ops.people import find_person

    path, _ = new_entry_link(find_person("vera"))
    return path


if __name__ == "__main__":
    raise SystemExit(main())
