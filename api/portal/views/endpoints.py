"""The account's endpoints: all, one, a new one, and how one is changed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from api.idempotency import IdempotentOperation
from api.pages.filters import Filters
from api.pages.paging import slice_of
from api.portal.activity import activity_of
from api.portal.changes import Fields, new_form, once, read_form, written_down
from api.portal.endpoint_form import (
    FIELDS,
    REFUSALS,
    EndpointForm,
    form_from,
    form_of,
    values_from,
)
from api.portal.lookups import endpoint_named, health_of
from api.portal.pages import ASKED, Portal, portal_page, render, see
from api.portal.shown import delivery_rows
from core.versions import shown_event_type
from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import list_deliveries
from dispatcher.endpoints import create_endpoint, endpoints_of, update_endpoint
from dispatcher.models import Endpoint

_LATEST = 10
_CURRENT = "endpoints"


@portal_page()
def endpoints_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Where events go."""
    filters = Filters(request.GET.dict())
    page = slice_of(endpoints_of(portal.owner), filters, prefix="we")
    shown = {
        "slice": page,
        "rows": [(row, health_of(row), events_in_words(row)) for row in page.rows],
        "problems": filters.problems,
        "most": dispatcher_settings().max_endpoints_per_owner,
        "first_page": not {"older", "newer"} & request.GET.keys(),
    }
    return render(request, portal, "portal/endpoints.html", shown, current=_CURRENT, status=filters.status)


@portal_page()
def endpoint_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """One endpoint: how it is, what signs what it gets, and its latest deliveries."""
    endpoint = endpoint_named(portal, id)
    latest = list_deliveries(owner=portal.owner, endpoint_id=endpoint.id, limit=_LATEST)
    shown = {
        "endpoint": endpoint,
        "health": health_of(endpoint),
        "activity": activity_of(endpoint.id),
        "overlap_ended": _is_over(endpoint.previous_secret_expires_at),
        "events": [shown_event_type(name, endpoint.api_version) for name in endpoint.enabled_events],
        "deliveries": delivery_rows(portal, latest.rows, endpoints={endpoint.id: endpoint}),
        "has_more": latest.has_more,
    }
    return render(request, portal, "portal/endpoint.html", shown, current=_CURRENT)


@portal_page(methods=ASKED)
def new_endpoint_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """A new endpoint. The answer to the form shows its signing secret, also where the form comes twice."""
    version = portal.session.api_version
    if request.method != "POST":
        return _form(request, portal, EndpointForm(version=version))
    name, tree = read_form(request)
    try:
        values = values_from(tree, version)
        made = once(
            request,
            portal,
            form=name,
            fields=values,
            run=lambda operation: _creation(request, portal, values, operation),
            secret=True,
        )
    except REFUSALS as error:
        form = form_from(tree, version)
        form.refuse(error)
        return _form(request, portal, form)
    return reveal(request, portal, made, title="Your new endpoint")


@portal_page(methods=ASKED)
def edit_endpoint_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """Another URL, other events, another description. The same form twice makes the same of it."""
    endpoint = endpoint_named(portal, id)
    if request.method != "POST":
        return _form(request, portal, form_of(endpoint), endpoint=endpoint)
    _, tree = read_form(request)

    def write_down(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if differing := [name for name in FIELDS if before[name] != after[name]]:
            written_down(
                request,
                portal,
                action="endpoint.updated",
                subject=endpoint.public_id,
                before={name: before[name] for name in differing},
                after={name: after[name] for name in differing},
            )

    try:
        values = {"description": None, **values_from(tree, endpoint.api_version)}
        update_endpoint(owner=portal.owner, endpoint_id=endpoint.id, changes=values, on_write=write_down)
    except REFUSALS as error:
        form = form_from(tree, endpoint.api_version)
        form.refuse(error)
        return _form(request, portal, form, endpoint=endpoint)
    return see(portal, f"endpoints/{endpoint.public_id}/", notice="saved")


def reveal(request: HttpRequest, portal: Portal, made: Fields, *, title: str) -> HttpResponse:
    """The page that shows a new secret, this once. `made` has endpoint, url and secret."""
    ends = made.get("old_ends_at")
    shown = {
        "made": made,
        "title": title,
        "old_ends_at": None if ends is None else datetime.fromisoformat(ends),
    }
    return render(request, portal, "portal/secret.html", shown, current=_CURRENT)


def events_in_words(endpoint: Endpoint) -> str:
    """`all events`, or the first of them and how many more."""
    names = [shown_event_type(name, endpoint.api_version) for name in endpoint.enabled_events]
    if "*" in names:
        return "all events"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _is_over(moment: datetime | None) -> bool:
    return moment is not None and moment <= timezone.now()


def _creation(
    request: HttpRequest, portal: Portal, values: Fields, operation: IdempotentOperation
) -> Callable[[], Fields]:
    def told(row: Endpoint, secret: str) -> Fields:
        return {"endpoint": row.public_id, "url": row.url, "secret": secret}

    def on_write(row: Endpoint, secret: str) -> None:
        operation.begin(told(row, secret))
        written_down(
            request,
            portal,
            action="endpoint.created",
            subject=row.public_id,
            after={name: getattr(row, name) for name in FIELDS},
        )

    def create() -> Fields:
        endpoint, secret = create_endpoint(
            owner=portal.owner,
            url=values["url"],
            enabled_events=values["enabled_events"],
            api_version=portal.session.api_version,
            description=values.get("description"),
            on_write=on_write,
        )
        return told(endpoint, secret)

    return create


def _form(
    request: HttpRequest, portal: Portal, form: EndpointForm, *, endpoint: Endpoint | None = None
) -> HttpResponse:
    shown: dict[str, Any] = {"form": form, "form_name": new_form(), "endpoint": endpoint}
    status = 400 if form.problems else 200
    return render(request, portal, "portal/endpoint_form.html", shown, current=_CURRENT, status=status)
