"""Requests to the API, as the request log has them."""

import json
import re
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from api.models import RequestLog
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.pages.filters import Filters
from api.pages.ranges import optional_range
from api.pages.searching import search
from api.readings.identifying import Named, NothingKnown
from api.readings.starts import events_of_request
from core.models import Account
from outbox.identifiers import encode_id, floor_uuid

METHODS = ("GET", "POST", "PATCH", "DELETE")
ANSWERS = ("2xx", "3xx", "4xx", "5xx")
_IDS = re.compile(r"[a-z]{2,4}_[0-9A-Za-z]{22}(?![0-9A-Za-z])", re.ASCII)


@operations_page()
def requests_page(request: HttpRequest) -> HttpResponse:
    """Newest first."""
    filters = Filters(request.GET)
    rows = RequestLog.objects.defer("parameters")
    if account := filters.id("account", "acct"):
        rows = rows.filter(account_id=account)
    narrowed = Q()
    if method := filters.choice("method", METHODS):
        narrowed &= Q(method=method)
    if answer := filters.choice("answer", ANSWERS):
        least = int(answer[0]) * 100
        narrowed &= Q(status__gte=least, status__lt=least + 100)
    if path := filters.text("path"):
        narrowed &= Q(path__contains=path)
    if code := filters.text("code"):
        narrowed &= Q(error_code=code)
    kept, shown_range = optional_range(request.GET, filters)
    if shown_range is not None:
        rows = rows.filter(id__gte=floor_uuid(shown_range.since), id__lt=floor_uuid(shown_range.until))
    page = search(rows, filters, prefix="req", narrowed=narrowed or None, kept=kept)
    known = {row.account_id for row in page.rows if row.account_id is not None}
    names: dict[Any, str] = dict(Account.objects.filter(id__in=known).values_list("id", "name"))
    context = {
        "requests": [
            (row, _account(row), names.get(row.account_id), tone_of(row.status)) for row in page.rows
        ],
        "slice": page,
        "filters": filters,
        "problems": filters.problems,
        "methods": METHODS,
        "answers": ANSWERS,
        "range": shown_range,
        "filtered": bool(filters.given or kept),
    }
    return render(request, "ops/requests.html", context, current="requests", status=filters.status)


@operations_page()
@page_about("req", current="requests")
def request_page(request: HttpRequest, named: Named) -> HttpResponse:
    """One request with the events that it caused; its parameters, their secrets taken out, are for operators."""
    role: Role = request.role  # type: ignore[attr-defined]
    row = RequestLog.objects.filter(id=named.value).first()
    if row is None:
        raise NothingKnown(named)
    account = _account(row)
    context = {
        "logged": row,
        "account": account,
        "key": None if row.key_id is None else encode_id("key", row.key_id),
        "tone": tone_of(row.status),
        "had_parameters": row.parameters is not None,
        "parameters": _indented(row.parameters) if role >= Role.OPERATOR else None,
        "named": list(dict.fromkeys(_IDS.findall(row.path))),
        "events": [] if account is None else events_of_request(row, account),
    }
    return render(request, "ops/request.html", context, current="requests")


def tone_of(status: int) -> str:
    """A class of style.css: the caller's faults are warnings here, ours are bad."""
    if status >= 500:
        return "bad"
    return "warn" if status >= 400 else "ok"


def _account(row: RequestLog) -> str | None:
    return None if row.account_id is None else encode_id("acct", row.account_id)


def _indented(text: str | None) -> str | None:
    """JSON to read; text that was cut off stays as it is."""
    try:
        return None if text is None else json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
