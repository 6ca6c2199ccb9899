"""Where errors leave the framework: views, unknown paths, and what Django itself refuses."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from api.context import context_of
from api.envelope import refuse
from api.errors import UnknownUrl


def handle_exception(error: Exception, handler_context: dict[str, Any]) -> HttpResponse:
    """Django REST Framework's exception handler (REST_FRAMEWORK["EXCEPTION_HANDLER"])."""
    request: Request = handler_context["request"]
    response = refuse(error, context_of(request)).response()
    if response.status_code == 405:
        response["Allow"] = ", ".join(handler_context["view"].allowed_methods)
    return response


def unknown_path(request: HttpRequest, **_: Any) -> HttpResponse:
    """The last route: everything that no other one takes."""
    error = UnknownUrl(request.method or "", request.path)
    return refuse(error, context_of(request)).response()
