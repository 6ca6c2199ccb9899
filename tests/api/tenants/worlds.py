"""An account with one object of every kind, each marked with words that nobody else may read."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.accounts import create_account
from core.api_keys import create_api_key, key_uuid, revoke_api_key
from core.key_scopes import RESOURCES, KeyKind
from core.models import Account
from tests.api.callers import Caller

# Beyond ASCII nothing is planted: an answer's JSON would spell it otherwise.
MARK = "sealed-words-of-{name}"


@dataclass(frozen=True, slots=True)
class World:
    """One merchant. `ids` has an object of each kind; `secrets` is what the answers to others never hold."""

    caller: Caller
    ids: dict[str, str]
    secrets: set[str]
    client_secrets: dict[str, str] = field(default_factory=dict)  # of the kinds that have one

    @property
    def account(self) -> Account:
        return self.caller.account

    def restricted(self, **scopes: str) -> Caller:
        return self._with(kind=KeyKind.RESTRICTED, scopes=scopes)

    def without_scope(self, resource: str) -> Caller:
        return self.restricted(**{name: "write" for name in RESOURCES if name != resource})

    def publishable(self) -> Caller:
        return self._with(kind=KeyKind.PUBLISHABLE)

    def revoked(self) -> Caller:
        caller = self._with()
        assert caller.key is not None
        revoke_api_key(key_uuid(caller.key))
        return caller

    def expired(self) -> Caller:
        return self._with(expires_at=timezone.now() - timedelta(hours=1))

    def with_wrong_secret(self) -> Caller:
        key = self.caller.key
        assert key is not None
        return Caller(account=self.account, key=key[:-4] + ("0000" if key[-4:] != "0000" else "1111"))

    def with_malformed_key(self) -> Caller:
        return Caller(account=self.account, key="sk_test_no-key-of-anybody")

    def without_key(self) -> Caller:
        return Caller(account=self.account, key=None)

    def _with(self, **fields: Any) -> Caller:
        return Caller(account=self.account, key=create_api_key(account=self.account, name="k", **fields))


def make_world(name: str) -> World:
    """Requires a transaction that is rolled back, and a bank that approves cards."""
    mark = MARK.format(name=name)
    words = {"description": mark, "metadata": {"note": mark}}
    account = create_account(name=mark)
    caller = Caller(account=account, key=create_api_key(account=account, name="tests"))
    customer = caller.customer(name=mark, email=f"{mark}@shop.test", **words)
    endpoint = caller.endpoint(url=f"https://93.184.216.34/{mark}", **words)
    delivery = _done(caller.post(f"/webhook_endpoints/{endpoint['id']}/test/", {}))
    paid = caller.intent(
        customer=customer["id"],
        payment_method="pm_card_visa",
        confirm=True,
        receipt_email=f"{mark}@shop.test",
        **words,
    )
    refund = _done(caller.post("/refunds/", {"payment_intent": paid["id"], "metadata": {"note": mark}}))
    saved = _done(caller.post("/payment_methods/pm_card_visa/attach/", {"customer": customer["id"]}))
    _done(
        caller.post(
            f"/payment_methods/{saved['id']}/",
            {"billing_details": {"name": mark}, "metadata": {"note": mark}},
        )
    )
    loose = _done(caller.post("/payment_methods/", {"type": "card", "card": {"token": "tok_visa"}}))
    intent = caller.intent(customer=customer["id"], payment_method=saved["id"], **words)
    setup = _done(caller.post("/setup_intents/", {"customer": customer["id"], **words}))
    portal = _done(caller.post("/portal_sessions/", {"allowed_origins": ["https://shop.example"]}))
    ids = {
        "account": account.public_id,
        "charge": paid["latest_charge"],
        "customer": customer["id"],
        "delivery": delivery["id"],
        "endpoint": endpoint["id"],
        "event": delivery["event"],
        "intent": intent["id"],
        "method": loose["id"],
        "portal": portal["id"],
        "refund": refund["id"],
        "request": caller.get("/customers/", email=f"{mark}@shop.test")["Request-Id"],
        "saved": saved["id"],
        "setup": setup["id"],
        "transaction": refund["balance_transaction"],
    }
    client_secrets = {"intent": intent["client_secret"], "setup": setup["client_secret"]}
    link = portal["url"].split("/")[-2]
    secrets = {mark, link, endpoint["secret"], *client_secrets.values(), str(caller.key)}
    return World(caller=caller, ids=ids, secrets=secrets, client_secrets=client_secrets)


def _done(response: Any) -> dict[str, Any]:
    assert response.status_code in {200, 201}, response.content
    made: dict[str, Any] = response.json()
    return made
