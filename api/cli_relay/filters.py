"""What `logs tail` narrows its lines by: one parameter with JSON in it, as the CLI sends it."""

import json
from typing import Any

from api.errors import InvalidParameter

PARAM = "filters"
# Matched by api/sql/find_cli_requests.sql. Accounts beneath an account do not exist here: the CLI warns of it.
_KNOWN = frozenset(
    {
        "filter_account",
        "filter_http_method",
        "filter_request_path",
        "filter_request_status",
        "filter_source",
        "filter_status_code",
        "filter_status_code_type",
    }
)
_MOST = 50


def parse_filters(text: str | None) -> dict[str, list[str]]:
    """Each filter with the values that pass.

    Raises:
        InvalidParameter: no JSON object of lists of strings, or a filter that cannot be kept.
    """
    if not text:
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused("Invalid filters: not JSON.") from None
    if not isinstance(given, dict):
        raise _refused("Invalid filters: not a JSON object.")
    return {name: _values(name, values) for name, values in given.items() if values}


def _values(name: str, values: Any) -> list[str]:
    if name == "filter_ip_address":
        raise _refused("Requests cannot be filtered by IP address: none is kept.")
    if name not in _KNOWN:
        raise _refused(f"Invalid filters: there is no {name[:80]}.")
    if not isinstance(values, list) or len(values) > _MOST:
        raise _refused(f"Invalid filters: {name} takes a list of at most {_MOST} strings.")
    # PostgreSQL's jsonb holds neither a NUL nor half of a surrogate pair.
    if not all(isinstance(value, str) and value.isprintable() for value in values):
        raise _refused(f"Invalid filters: {name} takes printable strings.")
    match name:
        case "filter_request_path":
            return [value.rstrip("/") for value in values]
        case "filter_status_code_type":
            # The CLI takes `4XX` and sends `400`.
            return [value.upper().replace("XX", "00") for value in values]
        case _:
            return [value.upper() for value in values]


def _refused(message: str) -> InvalidParameter:
    return InvalidParameter(message, code="parameter_invalid", param=PARAM)
