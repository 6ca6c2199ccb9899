"""Lists of deliveries for operators: over all owners, with filters, however much history there is.

What an index finds is read no further than the page. A filter that none finds (the type of an event; a failure code
beside an owner or an endpoint) is applied to a window of 2,000 candidates: where these hold fewer than a page, the page
says how far it looked, and its cursor goes on from there. The candidates of an owner are the owner's: how far a page of
one looks tells nothing of others.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.errors import SearchRefused
from dispatcher.failures import FailureCode
from dispatcher.models import FINISHED_STATES, LIVE_STATES, DeliveryState, Endpoint
from dispatcher.waiting import with_lanes
from outbox.database import fetch_all
from outbox.identifiers import encode_id, floor_uuid, moment_of
from outbox.sql import statements

WINDOW = 2_000
MAX_PAGE = 200
_MOST_LEASED = 20_000
_LAST = uuid.UUID(int=(1 << 128) - 1)
_FIRST = uuid.UUID(int=0)
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDelivery:
    """A delivery in a list, with what a line about it shows."""

    id: uuid.UUID
    owner: str
    endpoint_id: uuid.UUID
    endpoint: Endpoint | None  # of `with_lanes`; its URL and lane alone are read
    event_id: uuid.UUID
    event_type: str | None  # None where the event is past its retention
    state: str
    reason: str | None
    attempts: int  # begun so far
    resend_no: int
    next_attempt_at: datetime | None
    finished_at: datetime | None
    last_outcome: str | None  # of its last attempt: succeeded, failed, unknown; None where there is none
    last_code: str | None
    last_status: int | None
    last_attempt_at: datetime | None

    @property
    def endpoint_url(self) -> str | None:
        return None if self.endpoint is None else self.endpoint.url

    @property
    def public_id(self) -> str:
        return encode_id("dlv", self.id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)

    @property
    def manual(self) -> bool:
        return self.resend_no > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDeliveries:
    """One page. `next_cursor` is None where nothing is left."""

    rows: Sequence[ListedDelivery]
    next_cursor: str | None
    searched_until: (
        datetime | None
    )  # set where the page is not full and the search may go on: how far it looked


def find_deliveries(
    *,
    owner: str | None = None,
    endpoint_id: uuid.UUID | None = None,
    event_id: uuid.UUID | None = None,
    state: str | None = None,
    failure_code: str | None = None,
    event_type: str | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> FoundDeliveries:
    """Deliveries that match everything given, newest first; three statements.

    Newest is by the delivery; of an owner or an endpoint by its event; with a failure code, unless of an owner, by the
    newest attempt that failed so, and the range is of these attempts then.

    Args:
        event_id: of this event alone; needs its owner.
        failure_code: of any of its attempts.
        created_from: inclusive, `created_to` exclusive.
        cursor: `next_cursor` of the page before, of the same filters.

    Raises:
        SearchRefused: a filter or the cursor is none, with the field and how to mend it.
    """
    _check(state, failure_code, created_from, created_to, limit)
    if event_id is not None and owner is None:
        raise SearchRefused(field="event_id", reason="needs the owner of the event")
    way = _way(owner, endpoint_id, failure_code)
    after_event, after_id = _position(way, cursor)
    oldest = None if created_from is None else floor_uuid(created_from)
    if event_id is not None:
        after_event, after_id = min((after_event, after_id), (event_id, _LAST))
        oldest = max(oldest or event_id, event_id)
    if created_to is not None:
        # As if the page before had ended where the range does.
        end = floor_uuid(created_to)
        if way == "event":
            after_event, after_id = min((after_event, after_id), (end, _FIRST))
        else:
            after_id = min(after_id, end)
    searching = event_type is not None or failure_code is not None or (state in LIVE_STATES)
    window = WINDOW if searching else limit + 1
    rows = fetch_all(
        _SQL[f"find_by_{way}"],
        {
            "owner": owner,
            "endpoint_id": endpoint_id,
            "state": state,
            "event_type": event_type,
            "failure_code": failure_code,
            "live": state is None or state in LIVE_STATES,
            "ended": state is None or state == DeliveryState.SUCCEEDED,
            "rare": state if state in FINISHED_STATES and state != DeliveryState.SUCCEEDED else None,
            "ends": [each.value for each in FINISHED_STATES if state in (None, each)],
            # Where there is none nothing is compared: of a range PostgreSQL believes that it holds very little.
            "oldest": oldest,
            "until": _LAST if created_to is None else floor_uuid(created_to),
            "event_id": after_event,
            "id": after_id,
            "paged": cursor is not None,
            "limit": limit,
            "window": window,
            "most_leased": _MOST_LEASED,
        },
    )
    seen, last_event, last_id = rows[0][:3]
    found = [row[3:] for row in rows if row[3] is not None]
    page = found[:limit]
    next_cursor = searched_until = None
    if len(found) > limit:
        next_cursor = _cursor(way, page[-1][3], page[-1][-1] if way == "attempt" else page[-1][0])
    elif seen == window:
        next_cursor = _cursor(way, last_event, last_id)
        searched_until = moment_of(last_event)
    return FoundDeliveries(rows=_listed(page), next_cursor=next_cursor, searched_until=searched_until)


def _way(owner: str | None, endpoint_id: uuid.UUID | None, failure_code: str | None) -> str:
    """Along which ids the list is read."""
    if owner is not None:
        return "event"
    if failure_code is not None:
        return "attempt"
    return "event" if endpoint_id is not None else "id"


def _listed(page: Sequence[tuple[Any, ...]]) -> Sequence[ListedDelivery]:
    if not page:
        return []
    ids = [row[0] for row in page]
    endpoints = (
        with_lanes(Endpoint.objects.filter(id__in={row[2] for row in page})).only("url", "lane").in_bulk()
    )
    floors = [floor_uuid(moment_of(each)) for each in ids]
    last = {
        delivery_id: attempt
        for delivery_id, *attempt in fetch_all(_SQL["last_attempts"], {"delivery_ids": ids, "floors": floors})
    }
    listed = []
    for row in page:
        outcome, code, status, started_at = last.get(row[0], (None, None, None, None))
        listed.append(
            ListedDelivery(
                id=row[0],
                owner=row[1],
                endpoint_id=row[2],
                endpoint=endpoints.get(row[2]),
                event_id=row[3],
                state=row[4],
                reason=row[5],
                attempts=row[6],
                resend_no=row[7],
                next_attempt_at=row[8],
                finished_at=row[9],
                event_type=row[10],
                last_outcome=outcome,
                last_code=code,
                last_status=status,
                last_attempt_at=started_at,
            )
        )
    return listed


def _check(
    state: str | None,
    failure_code: str | None,
    created_from: datetime | None,
    created_to: datetime | None,
    limit: int,
) -> None:
    if state is not None and state not in DeliveryState.values:
        raise SearchRefused(field="state", reason=f"must be one of {', '.join(DeliveryState.values)}")
    if failure_code is not None and failure_code not in set(FailureCode):
        raise SearchRefused(field="failure_code", reason=f"{failure_code!r} is no failure code")
    if created_from is not None and created_to is not None and created_to <= created_from:
        raise SearchRefused(field="created_to", reason="must be later than created_from")
    if not 1 <= limit <= MAX_PAGE:
        raise SearchRefused(field="limit", reason=f"must be between 1 and {MAX_PAGE}, not {limit}")


def _cursor(way: str, event_id: uuid.UUID, id_: uuid.UUID) -> str:
    return f"{way}-{event_id.hex}-{id_.hex}"


def _position(way: str, cursor: str | None) -> tuple[uuid.UUID, uuid.UUID]:
    """Behind which (event, id) the page begins; behind nothing at first."""
    if cursor is None:
        return _LAST, _LAST
    try:
        cursors_way, event_id, id_ = cursor.split("-")
        position = uuid.UUID(hex=event_id), uuid.UUID(hex=id_)
    except ValueError:
        raise SearchRefused(
            field="cursor", reason="is none that a page gave; begin with the first page"
        ) from None
    if cursors_way != way:
        raise SearchRefused(
            field="cursor", reason="belongs to a list with other filters; begin with the first page"
        )
    return position
