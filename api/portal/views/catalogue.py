"""The events that an endpoint can be sent: what each tells, an example, its schema."""

import json
from itertools import groupby

from django.http import Http404, HttpRequest, HttpResponse

from api.event_catalogue import Entry, catalogue, entry
from api.pages.words import plain
from api.portal.pages import Portal, portal_page, render
from core.errors import UnknownEventType

_CURRENT = "catalogue"


@portal_page()
def catalogue_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """All of them, by what they are about, in the names of the link's version."""
    version = portal.session.api_version
    groups = [
        (about.replace("_", " "), list(names))
        for about, names in groupby(catalogue(version), key=lambda pair: pair[0].partition(".")[0])
    ]
    return render(
        request,
        portal,
        "portal/catalogue.html",
        {"groups": groups, "version": version},
        current=_CURRENT,
    )


@portal_page()
def event_type_page(request: HttpRequest, portal: Portal, name: str) -> HttpResponse:
    """One of them."""
    found = _entry(portal, name)
    members = found.schema["properties"]["data"]["properties"]["object"]["properties"]
    shown = {
        "entry": found,
        "example": _indented(found.example),
        "schema": _indented(found.schema),
        "members": [
            (member, _in_words(shape), shape.get("description", "")) for member, shape in members.items()
        ],
    }
    return render(request, portal, "portal/event_type.html", shown, current=_CURRENT)


@portal_page()
def schema_file(request: HttpRequest, portal: Portal, name: str) -> HttpResponse:
    """Its JSON Schema as a file."""
    del request
    found = _entry(portal, name)
    return HttpResponse(
        _indented(found.schema) + "\n",
        content_type="application/schema+json",
        headers={
            "Content-Disposition": f'attachment; filename="{found.type}.schema.json"',
            "Cache-Control": "no-store",
        },
    )


def _entry(portal: Portal, name: str) -> Entry:
    try:
        return entry(name, portal.session.api_version)
    except UnknownEventType as error:
        nearest = f" Did you mean {error.nearest}?" if error.nearest else ""
        raise Http404(f"There is no event {plain(name)!r} in this version.{nearest}") from None


def _indented(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _in_words(shape: dict[str, object]) -> str:
    """`string or null`, `one of enabled, disabled`, `always "customer"`."""
    if "const" in shape:
        return f"always {json.dumps(shape['const'])}"
    kind = shape.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    values = shape.get("enum")
    if isinstance(values, list):
        return f"{words}: {', '.join(str(value) for value in values if value is not None)}"
    return words
