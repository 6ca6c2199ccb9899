"""The catalogue of failure codes and ends: a heading each, which pages, commands and the API link to."""

from __future__ import annotations

from dispatcher.failures import EXPLANATIONS
from dispatcher.reasons import REASONS


def failure_codes(_: str) -> str:
    return "\n\n".join(
        "\n".join(
            [
                f"## {code}",
                "",
                explanation.summary,
                "",
                f"- Likely cause: {explanation.likely_cause}",
                f"- What to do: {explanation.remedy}",
                f"- Whose side: {explanation.side}",
                f"- May have been processed: {'yes' if explanation.maybe_processed else 'no'}",
            ]
        )
        for code, explanation in [*EXPLANATIONS.items(), *REASONS.items()]
    )
