"""WSGI entry: `granian --interface wsgi core.wsgi:application`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from core.logs import configure_logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

configure_logs()
_django = get_wsgi_application()
_COMMON = frozenset({"", "application/json", "application/x-www-form-urlencoded"})


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, spared a Content-Type that it fails to read before any middleware could answer."""
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type not in _COMMON and not _is_readable(content_type):
        environ["CONTENT_TYPE"] = "application/octet-stream"
    return _django(environ, start_response)


def _is_readable(content_type: str) -> bool:
    """Whether its parameters parse and its charset, where it has one, is one of text."""
    try:
        _, parameters = parse_header_parameters(content_type)
        "".encode(parameters.get("charset", "utf-8"))
    except (ValueError, LookupError):
        return False
    return True
