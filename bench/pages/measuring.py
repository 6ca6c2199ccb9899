"""Asking for each page again and again, in this process: statements are counted, and what they take is seen."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.series import percentile

# A link is worth nothing when its database is gone; it need not be kept all the same.
_TOKEN = re.compile(r"^(/portal/|/ops/enter/)[^/]+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One page."""

    key: str
    path: str
    status: int
    statements: int
    rows: int  # that came back from the database
    p50_ms: float
    p95_ms: float
    database_ms: float  # of p50, spent in statements
    slowest: str  # the statement that took longest, shortened
    kibibytes: float


class _Watch:
    """An execute wrapper of Django's."""

    def __init__(self) -> None:
        self.statements: list[tuple[float, str]] = []
        self.rows = 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.statements.append((1000 * (time.perf_counter() - began), str(sql)))
            self.rows += max(0, context["cursor"].rowcount)


def measure(client: Any, key: str, path: str, *, times: int) -> Measured:
    """The page, asked for once to warm up and then so many times."""
    from django.db import connection

    client.get(path)
    watches, spent, answer = [], [], None
    for _ in range(times):
        watch = _Watch()
        with connection.execute_wrapper(watch):
            began = time.perf_counter()
            answer = client.get(path)
            spent.append(1000 * (time.perf_counter() - began))
        watches.append(watch)
    assert answer is not None
    slowest = max((one for watch in watches for one in watch.statements), default=(0.0, ""))
    return Measured(
        key=key,
        path=_TOKEN.sub(r"\1<token>/", path),
        status=answer.status_code,
        statements=max(len(watch.statements) for watch in watches),
        rows=max(watch.rows for watch in watches),
        p50_ms=round(statistics.median(spent), 2),
        p95_ms=round(percentile(spent, 95), 2),
        database_ms=round(statistics.median(sum(ms for ms, _ in watch.statements) for watch in watches), 2),
        slowest=f"{slowest[0]:.1f} ms: {' '.join(slowest[1].split())[:160]}",
        kibibytes=round(len(answer.content) / 1024, 2),
    )


def lines(measured: Sequence[Measured]) -> list[str]:
    """For a terminal."""
    head = (
        f"{'page':<28}{'p50 ms':>9}{'p95 ms':>9}{'in SQL':>9}{'statements':>12}{'rows':>8}{'KiB':>8}  status"
    )
    return [
        head,
        *(
            f"{one.key:<28}{one.p50_ms:>9.1f}{one.p95_ms:>9.1f}{one.database_ms:>9.1f}{one.statements:>12}"
            f"{one.rows:>8}{one.kibibytes:>8.1f}  {one.status}"
            for one in measured
        ),
    ]
