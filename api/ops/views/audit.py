"""Who changed what by hand."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.models import AuditEntry
from api.ops.pages import operations_page, render
from api.pages.audit import PREFIX
from api.pages.filters import Filters
from api.pages.paging import slice_of
from api.pages.ranges import read_range
from outbox.identifiers import floor_uuid

_FILTERS = ("actor", "action", "subject", "account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing of an entry, as it was and as it is."""

    name: str
    before: str | None
    after: str | None


@operations_page()
def audit_page(request: HttpRequest) -> HttpResponse:
    """The audit log, newest first; each filter is exact, and follows an index."""
    filters = Filters(request.GET)
    rows = AuditEntry.objects.all()
    for name in _FILTERS:
        if value := filters.text(name):
            rows = rows.filter(**{name: value})
    range_given = any(request.GET.get(name) for name in ("range", "since", "until"))
    shown_range = read_range(request.GET, default="30d")
    filters.problems.update(shown_range.problems)
    kept: dict[str, str] = {}
    if range_given and not shown_range.problems:
        rows = rows.filter(id__gte=floor_uuid(shown_range.since), id__lt=floor_uuid(shown_range.until))
        kept = {name: request.GET[name] for name in ("range", "since", "until") if request.GET.get(name)}
    page = slice_of(rows, filters, prefix=PREFIX, kept=kept)
    entries = [(entry, _changes(entry)) for entry in page.rows]
    context = {
        "entries": entries,
        "slice": page,
        "filters": filters,
        "problems": filters.problems,
        "range": shown_range if range_given else None,
        "filtered": bool(filters.given or kept),
    }
    return render(request, "ops/audit.html", context, current="audit", status=filters.status)


def _changes(entry: AuditEntry) -> list[Change]:
    """What differs, and what only one side has."""
    before, after = entry.before or {}, entry.after or {}
    return [
        Change(name=name, before=_text(before, name), after=_text(after, name))
        for name in dict.fromkeys([*before, *after])
        if name not in before or name not in after or before[name] != after[name]
    ]


def _text(held: dict[str, Any], name: str) -> str | None:
    if name not in held:
        return None
    value = held[name]
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
