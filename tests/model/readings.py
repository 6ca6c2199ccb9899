"""The tables as the model has them: rows by what they mean, moments as units from now."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.model.tables import (
    NEVER,
    Attempt,
    Delivery,
    Endpoint,
    Event,
    Finished,
    Key,
    Lane,
    Pending,
    Row,
    Setup,
    Stopped,
)


def read_rows(
    cursor: Any,
    *,
    setup: Setup,
    now: datetime,
    unit: timedelta,
    endpoints: Sequence[uuid.UUID],
    events: list[uuid.UUID],
    ids: dict[uuid.UUID, Key],
) -> dict[Key, Row]:
    """Everything that the cursor's transaction sees; `ids` learns the deliveries that are new."""

    def rows_of(sql: str) -> list[tuple[Any, ...]]:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def moment(column: str) -> str:
        return (
            f"CASE {column} WHEN 'infinity' THEN {NEVER} WHEN '-infinity' THEN {-NEVER} ELSE "
            f"round(extract(epoch FROM {column} - '{now.isoformat()}') / {unit.total_seconds()}) END::int"
        )

    place = {endpoint: number for number, endpoint in enumerate(endpoints)}
    found: dict[Key, Row] = {}
    for (event,) in rows_of("SELECT id FROM outbox_event ORDER BY id"):
        if event not in events:
            events.append(event)
        found["event", events.index(event)] = Event(setup.keys[events.index(event)])
    number = {event: index for index, event in enumerate(events)}
    for event, last in rows_of("SELECT event_id, fanned_out_to FROM outbox_pending"):
        found["pending", number[event]] = Pending(-1 if last is None else place[last])
    for endpoint, status in rows_of("SELECT id, status FROM dispatcher_endpoint"):
        found["endpoint", place[endpoint]] = Endpoint(status == "enabled")
    columns = ", ".join(moment(column) for column in ("ready_at", "hold_until", "circuit_until"))
    for endpoint, in_flight, openings, ready_at, hold_until, until in rows_of(
        f"SELECT endpoint_id, in_flight, circuit_openings, {columns} FROM dispatcher_lane"
    ):
        lane = Lane(max(0, ready_at), in_flight, max(0, hold_until), min(2, openings))
        found["lane", place[endpoint]] = lane._replace(circuit_until=max(-setup.past_of_sends, until))
    for delivery, endpoint, event, resend_no, due_at, claim_no, *lease, attempts in rows_of(
        f"SELECT id, endpoint_id, event_id, resend_no, {moment('due_at')}, claim_no, lease_owner, attempt_id, "
        "started_at, attempts FROM dispatcher_delivery"
    ):
        owner, attempt_id, started_at = lease
        assert (owner is None) == (attempt_id is None)
        key = ids[delivery] = ("delivery", place[endpoint], number[event], resend_no)
        number_of_attempt = 0 if attempt_id is None else claim_no
        found[key] = Delivery(max(0, due_at), claim_no, number_of_attempt, started_at is not None, attempts)
    for endpoint, event, resend_no, state, reason, attempts, times in rows_of(
        "SELECT endpoint_id, event_id, resend_no, min(state), min(reason), min(attempts), count(*)::int "
        "FROM dispatcher_finished_delivery GROUP BY 1, 2, 3"
    ):
        ended = Finished("stopped" if reason == "stopped" else state, attempts, times)
        found["finished", place[endpoint], number[event], resend_no] = ended
    for delivery, claim_no, outcome, superseded, times in rows_of(
        "SELECT delivery_id, claim_no, min(outcome), bool_or(superseded), count(*)::int "
        "FROM dispatcher_attempt GROUP BY 1, 2"
    ):
        found["attempt", *ids[delivery][1:], claim_no] = Attempt(outcome, superseded, times)
    for endpoint, delivery in rows_of("SELECT endpoint_id, delivery_id FROM dispatcher_stopped_key"):
        event = ids[delivery][2]
        found["stopped", place[endpoint], setup.keys[event]] = Stopped(event)
    return found
