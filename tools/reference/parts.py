"""Each part of a page by its name."""

from __future__ import annotations

from collections.abc import Callable

from tools.reference.failures import failure_codes

PARTS: dict[str, Callable[[str], str]] = {
    "failure-codes": failure_codes,
}
