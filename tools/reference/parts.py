"""Each part of a page by its name."""

from __future__ import annotations

from collections.abc import Callable

from tools.reference.api import api_parameters
from tools.reference.checks import checks
from tools.reference.command_line import command_line
from tools.reference.events import event_payloads, event_types
from tools.reference.failures import failure_codes

PARTS: dict[str, Callable[[str], str]] = {
    "api-parameters": api_parameters,
    "checks": checks,
    "command-line": command_line,
    "event-payloads": event_payloads,
    "event-types": event_types,
    "failure-codes": failure_codes,
}
