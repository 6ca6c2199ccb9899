"""What the suites of this folder hold us to: every call, error class and behaviour, by its name.

A test declares what it verifies by these names (`@pytest.mark.verifies(...)`, in Node the second argument of
`check`), and docs/stripe-compatibility.md is made from those declarations.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one resource. `name` as stripe-python has it, `path` with `{id}` for every id."""

    name: str
    method: str
    path: str

    @property
    def resource(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.rpartition(".")[2]


_CALLS = """
    customers.create                        POST    /v1/customers
    customers.retrieve                      GET     /v1/customers/{id}
    customers.update                        POST    /v1/customers/{id}
    customers.delete                        DELETE  /v1/customers/{id}
    customers.list                          GET     /v1/customers
    customers.search                        GET     /v1/customers/search
    customers.payment_methods.retrieve      GET     /v1/customers/{id}/payment_methods/{id}
    customers.payment_methods.list          GET     /v1/customers/{id}/payment_methods
    payment_intents.create                  POST    /v1/payment_intents
    payment_intents.retrieve                GET     /v1/payment_intents/{id}
    payment_intents.update                  POST    /v1/payment_intents/{id}
    payment_intents.list                    GET     /v1/payment_intents
    payment_intents.search                  GET     /v1/payment_intents/search
    payment_intents.confirm                 POST    /v1/payment_intents/{id}/confirm
    payment_intents.capture                 POST    /v1/payment_intents/{id}/capture
    payment_intents.cancel                  POST    /v1/payment_intents/{id}/cancel
    payment_methods.create                  POST    /v1/payment_methods
    payment_methods.retrieve                GET     /v1/payment_methods/{id}
    payment_methods.update                  POST    /v1/payment_methods/{id}
    payment_methods.list                    GET     /v1/payment_methods
    payment_methods.attach                  POST    /v1/payment_methods/{id}/attach
    payment_methods.detach                  POST    /v1/payment_methods/{id}/detach
    setup_intents.create                    POST    /v1/setup_intents
    setup_intents.retrieve                  GET     /v1/setup_intents/{id}
    setup_intents.list                      GET     /v1/setup_intents
    setup_intents.confirm                   POST    /v1/setup_intents/{id}/confirm
    setup_intents.cancel                    POST    /v1/setup_intents/{id}/cancel
    charges.retrieve                        GET     /v1/charges/{id}
    charges.update                          POST    /v1/charges/{id}
    charges.list                            GET     /v1/charges
    refunds.create                          POST    /v1/refunds
    refunds.retrieve                        GET     /v1/refunds/{id}
    refunds.update                          POST    /v1/refunds/{id}
    refunds.list                            GET     /v1/refunds
    refunds.cancel                          POST    /v1/refunds/{id}/cancel
    balance.retrieve                        GET     /v1/balance
    balance_transactions.retrieve           GET     /v1/balance_transactions/{id}
    balance_transactions.list               GET     /v1/balance_transactions
    accounts.retrieve_current               GET     /v1/account
    accounts.retrieve                       GET     /v1/accounts/{id}
    events.retrieve                         GET     /v1/events/{id}
    events.list                             GET     /v1/events
    events.resend                           POST    /v1/events/{id}/retry
    webhook_endpoints.create                POST    /v1/webhook_endpoints
    webhook_endpoints.retrieve              GET     /v1/webhook_endpoints/{id}
    webhook_endpoints.update                POST    /v1/webhook_endpoints/{id}
    webhook_endpoints.delete                DELETE  /v1/webhook_endpoints/{id}
    webhook_endpoints.list                  GET     /v1/webhook_endpoints
"""

CALLS = {name: Call(name, method, path) for name, method, path in map(str.split, _CALLS.strip().splitlines())}

ERRORS: dict[str, str] = {
    "APIConnectionError": "nobody listens",
    "APIError": "413, a body over the limit",
    "AuthenticationError": "401, an unknown key",
    "CardError": "402, a decline",
    "IdempotencyError": "400, a key used again with other parameters",
    "InvalidRequestError": "400 and 404, bad input and unknown ids",
    "PermissionError": "403, a key without the scope",
    "RateLimitError": "429, too many requests",
    "SignatureVerificationError": "a webhook that we did not sign",
}
"""Error classes of stripe-python (stripe-node puts `Stripe` before the name), and what raises each."""

BEHAVIOURS: dict[str, str] = {
    "pages forward": "auto-pagination by `starting_after`",
    "pages backward": "auto-pagination by `ending_before`",
    "retry after a lost answer": "the SDK's own retry, under its own idempotency key, makes one object",
    "idempotency keys": "the same key gives the same object",
    "expand": "`expand[]`, on objects and on lists, several levels deep",
    "metadata": "merged, unset by an empty string, cleared",
    "response headers": "`Request-Id`, `Stripe-Version`, `Idempotency-Key`, `Idempotent-Replayed`",
    "old secret during a roll": "a webhook is constructed with the secret that is rolled",
    "new secret during a roll": "a webhook is constructed with the secret that takes its place",
    "standardwebhooks": "the `standardwebhooks` package verifies the same delivery",
    "3-D Secure": "`requires_action`, with a page that leads on",
    "bank debits": "`processing`, final later",
}

# A behaviour that no path of its own shows.
_COMES_WITH = {"3-D Secure": "charges.retrieve"}

KNOWN = CALLS.keys() | ERRORS.keys() | BEHAVIOURS.keys()


@cache
def description() -> dict[str, Any]:
    """Our OpenAPI description."""
    from api.schema import schema

    decoded: dict[str, Any] = json.loads(schema(None).content)  # type: ignore[arg-type]
    return decoded


@cache
def operations() -> frozenset[tuple[str, str]]:
    """Method and path of all that the description has."""
    return frozenset(
        (method.upper(), re.sub(r"\{[^}]+\}", "{id}", path))
        for path, methods in description()["paths"].items()
        for method in methods
    )


def is_there(name: str) -> bool:
    """Whether the description has such a call, or the call that comes with such a behaviour."""
    call = CALLS.get(_COMES_WITH.get(name, name))
    return call is None or (call.method, call.path) in operations()


def lacking(names: tuple[str, ...]) -> list[str]:
    """The calls among `names` that the API does not have.

    Raises:
        KeyError: a name is unknown to the contract.
    """
    for name in names:
        if name not in KNOWN:
            raise KeyError(name)
    return [name for name in names if not is_there(name)]
