"""Makes docs/stripe-compatibility.md out of what the SDK suites declare (`python -m tools.compatibility`).

`--check` writes nothing, and fails where the page is another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "stripe-compatibility.md"

# Settings are checked when they are imported; this imports them and touches no database.
_UNUSED = {
    "DATABASE_URL": "postgresql:///unused",
    "LOCAL_SECRETS": "false",
    "SECRET_KEY": "unused-and-as-long-as-it-has-to-be",
    "API_KEY_HASH_KEY": "unused-and-as-long-as-it-has-to-be",
    "WEBHOOK_SECRET_KEYS": "dW51c2VkLXVudXNlZC11bnVzZWQtdW51c2VkLXVudSE=",
    "DJANGO_SETTINGS_MODULE": "core.settings",
}

_INTRODUCTION = """\
# Compatibility with Stripe

Code that is written for Stripe's official SDKs runs against the paths under `/v1`, with the base URL changed and
nothing else. This page says how far that goes. It is made by `python -m tools.compatibility` from what the tests
declare, and `tests/sdk/test_compatibility.py` holds it to them: a cell says **verified** where a test of that suite
makes the call through the official package, unmodified, against the API as it is deployed (granian, PostgreSQL).

| suite | package | tests |
| --- | --- | --- |
| Python | `stripe` (PyPI), `standardwebhooks` (PyPI) | `tests/sdk/test_python_*.py` |
| Node | `stripe` (npm), `standardwebhooks` (npm) | `tests/sdk/node/*.js`, run by `tests/sdk/test_node.py` |
| CLI | `@stripe/cli` (npm) | `tests/sdk/test_cli_calls.py`, `tests/cli/` |

Every field that the packages' types hold to be always present is in our answers: `tests/sdk/test_fields.py` takes the
fields from the npm package's type declarations and from the Python package's typed classes, compares them with
answers of ours, nested objects included, and prints what is missing for each object.
The [tutorial for code written for Stripe](tutorial-stripe.md) is a script that runs here and in Stripe's test mode.
"""

_NOT_THERE = """\
## What is not there

- **Live mode.** Keys are test keys, the bank is simulated, no money moves. What a payment does is chosen by its
  [test payment method](reference/api.md#test-payment-methods).
- **Connect, and OAuth.** There are no connected accounts; an account reads itself.
- **`/v2`**, file uploads, and everything that is drawn by Stripe.js: Elements, Checkout, hosted pages.
- **Disputes, reviews, payouts, tax, invoices, subscriptions**: see the list of resources below.
"""


def page() -> str:
    """The page's text. Django has to be set up."""
    from tests.sdk.contract import BEHAVIOURS, CALLS, ERRORS, is_there
    from tests.sdk.declarations import CLI, NODE, PYTHON, declared

    verified = declared()

    def cell(suite: str, name: str) -> str:
        if not is_there(name):
            return "not there"
        return "verified" if name in verified[suite] else "–"

    def cells(name: str, *suites: str) -> list[str]:
        return [cell(suite, name) for suite in suites]

    calls = [
        [f"`{call.resource}`", call.verb, f"`{call.method} {call.path}`", *cells(name, PYTHON, NODE, CLI)]
        for name, call in CALLS.items()
    ]
    errors = [
        [
            f"`{name}`",
            f"`Stripe{name.replace('APIConnection', 'Connection')}`",
            cause,
            *cells(name, PYTHON, NODE),
        ]
        for name, cause in ERRORS.items()
    ]
    behaviours = [[name, tells, *cells(name, PYTHON, NODE)] for name, tells in BEHAVIOURS.items()]
    return "\n".join(
        [
            _INTRODUCTION,
            "## Calls\n",
            "Names as stripe-python has them; in Node `payment_intents.create` is `paymentIntents.create`.\n",
            *_table(["resource", "method", "request", PYTHON, NODE, CLI], calls),
            "\n## Error classes\n",
            *_table(["stripe-python", "stripe-node", "raised by", PYTHON, NODE], errors),
            "\n## Behaviour\n",
            *_table(["behaviour", "what is verified", PYTHON, NODE], behaviours),
            "",
            _NOT_THERE,
            *_absent_calls(),
        ]
    )


def _absent_calls() -> list[str]:
    """What stripe-python can call and we do not serve: methods of our resources, then whole resources."""
    from tests.sdk.contract import CALLS, operations
    from tests.sdk.sdk_calls import sdk_calls

    absent = [name for name, request in sdk_calls().items() if request not in operations()]
    ours = {name.partition(".")[0] for name in CALLS}
    methods: dict[str, list[str]] = {name: [] for name in sorted(ours)}
    for name in sorted(absent):
        resource, _, method = name.partition(".")
        if resource in methods:
            methods[resource].append(method)
    present = {name.partition(".")[0] for name in sdk_calls().keys() - absent}
    resources = sorted({name.partition(".")[0] for name in absent} - ours - present)
    return [
        "Methods of the resources above that stripe-python has and we do not:\n",
        *[f"- `{resource}`: {_listed(absences)}" for resource, absences in methods.items() if absences],
        f"\nResources of stripe-python that are not there at all: {_listed(resources)}.\n",
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    for name, value in _UNUSED.items():
        os.environ.setdefault(name, value)
    import django

    django.setup()
    text = page()
    if "--check" in arguments:
        if PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(
            f"{PAGE.name} is not what the tests declare; make it by: python -m tools.compatibility",
            file=sys.stderr,
        )
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
