"""`/schema/`, and `/docs/`, which is `/` too: built once a process; the page loads nothing from elsewhere."""

import base64
import hashlib
import json
import threading
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from drf_spectacular.generators import SchemaGenerator

from api.exception_handling import unknown_path

_build = threading.Lock()
_SCRIPT = """
SwaggerUIBundle({url: "/schema/", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true,
                 presets: [SwaggerUIBundle.presets.apis]});
"""


def schema(_request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 description, as JSON."""
    return HttpResponse(
        _schema(), content_type="application/vnd.oai.openapi+json", headers={"Cache-Control": "max-age=300"}
    )


def docs(_request: HttpRequest) -> HttpResponse:
    """Swagger UI over the description."""
    body, policy = _page()
    return HttpResponse(body, headers={"Content-Security-Policy": policy})


def front(request: HttpRequest) -> HttpResponse:
    """`/`: the reference for a browser. A program that is sent here forgot its path, and is told so."""
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        return docs(request)
    return unknown_path(request)


def _schema() -> bytes:
    with _build:
        return _built()


@cache
def _built() -> bytes:
    description = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(description, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _page() -> tuple[str, str]:
    """The page, and the policy that lets only its own script run and only files of ours style it."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return render_to_string("api/docs.html", {"script": _SCRIPT}), policy
