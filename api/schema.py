"""`/schema/` and `/docs/`: built once a process; the pages load nothing from elsewhere."""

import base64
import hashlib
import json
import threading
from functools import cache
from importlib.resources import files
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views.static import serve
from drf_spectacular.generators import SchemaGenerator

_build = threading.Lock()
_ASSETS = Path(str(files("drf_spectacular_sidecar"))) / "static" / "drf_spectacular_sidecar"
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


def asset(request: HttpRequest, path: str) -> HttpResponseBase:
    """A file of the sidecar package. A handful of files, so the API serves them itself, in production too."""
    response = serve(request, path, document_root=str(_ASSETS))
    response["Cache-Control"] = "max-age=86400"
    return response


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
