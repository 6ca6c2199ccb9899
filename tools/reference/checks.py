"""What checks may find: a heading for each id, which their hints link to."""

from __future__ import annotations


def checks(_: str) -> str:
    from core.findings import CATALOGUE as OF_CORE
    from dispatcher.findings import CATALOGUE as OF_DISPATCHER

    return "\n\n".join(
        f"## {name}\n\n{entry.title}.\n\n{entry.remedy}"
        for name, entry in {**OF_CORE, **OF_DISPATCHER}.items()
    )
