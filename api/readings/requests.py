"""API requests as steps of a trace."""

import uuid
from collections.abc import Sequence

from api.models import RequestLog
from api.readings.steps import RequestStep
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id, moment_of


def request_steps(asked: RequestLog | None, others: Sequence[str | None]) -> tuple[RequestStep, ...]:
    """The request that was asked for and those that caused events, oldest first. One statement at most.

    One that has left the log is shown by what its id alone tells.
    """
    rows = {} if asked is None else {asked.id: asked}
    wanted = {request_id for text in others if (request_id := _uuid(text)) is not None}
    if missing := wanted - rows.keys():
        rows |= {row.id: row for row in RequestLog.objects.filter(id__in=missing).defer("parameters")}
    return tuple(
        request_step(rows[request_id])
        if request_id in rows
        else RequestStep(id=encode_id("req", request_id), created_at=moment_of(request_id))
        for request_id in sorted(wanted | rows.keys())
    )


def request_step(row: RequestLog) -> RequestStep:
    return RequestStep(
        id=row.public_id,
        created_at=row.created_at,
        method=row.method,
        path=row.path,
        status=row.status,
        milliseconds=row.milliseconds,
        error_code=row.error_code,
        idempotency_key=row.idempotency_key,
    )


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return None if text is None else decode_id("req", text)
    except InvalidIdentifier:
        return None
