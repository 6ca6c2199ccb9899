"""Filtered lists read no further than their page, whatever else the account holds."""

import pytest

from tests.api.callers import Caller
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import query

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]


@pytest.mark.parametrize(
    "path",
    [
        "/customers/?limit=100",
        "/customers/?limit=100&email=nobody@x.test",
        "/payment_intents/?limit=100",
        "/events/?limit=100",
        "/events/?limit=100&type=payment_intent.canceled",
    ],
)
def test_a_list_reads_its_page(caller: Caller, path: str) -> None:
    caller.post("/customers/", {"email": "ada@x.test"})
    caller.post("/payment_intents/", {"amount": 2000, "currency": "usd"})
    for name, key in (
        ("core_customer", "id"),
        ("core_payment_intent", "id, client_secret"),
        ("outbox_event", "id"),
    ):
        columns = query("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", name)
        kept = ", ".join(f'"{column}"' for (column,) in columns if column not in key.split(", "))
        made = "outbox_uuid7()" if key == "id" else "outbox_uuid7(), gen_random_uuid()::text"
        query(
            f"INSERT INTO {name} ({key}, {kept}) SELECT {made}, {kept} "
            f"FROM (SELECT * FROM {name} LIMIT 1) one, generate_series(1, 20000)"
        )
    query("ANALYZE")
    with counted_rows() as count:
        answer = caller.get(path)
    assert answer.status_code == 200
    assert count.largest() <= 4 * 100 + 50, count.worst()
