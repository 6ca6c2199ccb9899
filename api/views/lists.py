"""One list of an account's objects, for the views of all that are paged alike."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse

from api.input_tables import InputTable
from api.pagination import Cursor, created_within, list_object, page_of
from api.views.base import ApiView, Object

Row = TypeVar("Row", bound=Model)


def listed(
    view: ApiView,
    *,
    takes: InputTable,
    kind: str,
    prefix: str,
    noun: str,
    whole: QuerySet[Row],
    show: Callable[[Row], Object],
    filters: Mapping[str, str] | None = None,
    rows: QuerySet[Row] | None = None,
) -> HttpResponse:
    """The page that the query asks for. One query, and one more for each cursor and expansion.

    Args:
        whole: all that a page may begin at.
        rows: what is listed of it, where that is less.
        filters: parameter → the lookup of a row that it is compared with.

    Raises:
        InvalidParameter, ResourceMissing: as `page_of` and the table do.
    """
    query: dict[str, Any] = view.query(takes)
    expansions = view.expansions(query, kind=kind, listed=True)
    rows = created_within(whole if rows is None else rows, query.get("created"))
    for name, lookup in (filters or {}).items():
        if name in query:
            rows = rows.filter(**{lookup: query[name]})
    page = page_of(rows, Cursor.of(query), whole=whole, prefix=prefix, noun=noun)
    objects = view.shown_all([show(row) for row in page.rows], expansions)
    return view.answer(list_object(objects, has_more=page.has_more, path=view.request.path))
