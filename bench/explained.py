"""Claims as the database accounts for them; see bench.claim_plans."""

import json
from typing import Any

from bench.series import median
from bench.stage import Stage


def explained_claims(stage: Stage, *, claims: int, limit: int) -> dict[str, list[Any]]:
    """`milliseconds` and `buffers` of each claim, and the `statements` of the last one, a line each."""
    output = stage.place / "claims.json"
    flags = ("--claims", str(claims), "--limit", str(limit), "--out", str(output))
    stage.run("claim_plans", "-m", "bench.claim_plans", *flags)
    content: dict[str, list[Any]] = json.loads(output.read_text())
    return content


def explanation(stage: Stage, *, limit: int) -> str:
    """A few claims of what is due on this stage, in words."""
    found = explained_claims(stage, claims=5, limit=limit)
    milliseconds, buffers = median(found["milliseconds"]), median(found["buffers"])
    head = f"EXPLAIN of a claim of {limit}: {milliseconds:.1f} ms, {buffers:,.0f} buffers"
    return "\n".join([head, *(f"  {statement}" for statement in found["statements"])])
