"""Every request that stripe-python's services for /v1 can make, read out of the installed package."""

import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import stripe

_METHOD = re.compile(
    r'(?ms)^    def ([a-z]\w*)\((?:(?!^    (?:async )?def ).)*?self\._request\(\s*"(get|post|delete)",\s*"(/v1/[^"]*)"'
)


@cache
def sdk_calls() -> dict[str, tuple[str, str]]:
    """By name (`customers.create`), method and path, with `{id}` for every id."""
    found: dict[str, tuple[str, str]] = {}
    _collect(stripe.StripeClient("sk_test_unused").v1, "", found)
    return found


def _collect(service: Any, prefix: str, found: dict[str, tuple[str, str]]) -> None:
    source = Path(str(sys.modules[type(service).__module__].__file__)).read_text(encoding="utf-8")
    for name, method, path in _METHOD.findall(source):
        found[prefix + name] = (method.upper(), re.sub(r"\{[^}]+\}", "{id}", path))
    for name in inspect.get_annotations(type(service)):
        _collect(getattr(service, name), f"{prefix}{name}.", found)
