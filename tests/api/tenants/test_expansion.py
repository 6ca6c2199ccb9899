"""`expand` shows what the caller's account has, even where a row of its own were to name something else."""

from typing import Any

import pytest
from django.db import models

from api.expansion import EXPANDABLE
from core.loaders import LOADERS, load
from core.models import BalanceTransaction, Charge, PaymentIntent, PaymentMethod, Refund, SetupIntent
from outbox.identifiers import decode_id
from tests.api.tenants.worlds import make_world

# Kind and field → where it is read, the row that is made to name the owner's object, and the object's kind.
Plant = tuple[str, type[models.Model], str, str]
PLANTS: dict[tuple[str, str], Plant] = {
    ("balance_transaction", "source"): (
        "/balance_transactions/{transaction}/", BalanceTransaction, "source", "charge",
    ),
    ("charge", "balance_transaction"): ("/charges/{charge}/", Charge, "balance_transaction_id", "transaction"),
    ("charge", "customer"): ("/charges/{charge}/", Charge, "customer_id", "customer"),
    ("charge", "payment_intent"): ("/charges/{charge}/", Charge, "payment_intent_id", "intent"),
    ("payment_intent", "customer"): ("/payment_intents/{intent}/", PaymentIntent, "customer_id", "customer"),
    ("payment_intent", "latest_charge"): (
        "/payment_intents/{intent}/", PaymentIntent, "latest_charge_id", "charge",
    ),
    ("payment_intent", "payment_method"): ("/payment_intents/{intent}/", PaymentIntent, "method_id", "saved"),
    ("payment_method", "customer"): ("/payment_methods/{saved}/", PaymentMethod, "customer_id", "customer"),
    ("refund", "balance_transaction"): ("/refunds/{refund}/", Refund, "balance_transaction_id", "transaction"),
    ("refund", "failure_balance_transaction"): (
        "/refunds/{refund}/", Refund, "failure_transaction_id", "transaction",
    ),
    ("refund", "payment_intent"): ("/refunds/{refund}/", Refund, "payment_intent_id", "intent"),
    ("setup_intent", "customer"): ("/setup_intents/{setup}/", SetupIntent, "customer_id", "customer"),
    ("setup_intent", "payment_method"): ("/setup_intents/{setup}/", SetupIntent, "method_id", "saved"),
}  # fmt: skip
# No column holds these: the field is null, or the row's own parent.
UNPLANTABLE = {
    ("charge", "failure_balance_transaction"),
    ("customer", "invoice_settings.default_payment_method"),
    ("refund", "charge"),
}
PREFIXES = {"charge": "ch", "customer": "cus", "intent": "pi", "saved": "pm", "transaction": "txn"}


def test_every_field_that_expands_is_tried() -> None:
    expandable = {(kind, field) for kind, fields in EXPANDABLE.items() for field in fields}
    assert PLANTS.keys() | UNPLANTABLE == expandable


@pytest.mark.django_db
@pytest.mark.parametrize("dialect", ["", "/v1"])
@pytest.mark.parametrize(("kind", "field"), PLANTS, ids=[".".join(pair) for pair in PLANTS])
def test_somebody_elses_id_stays_an_id(kind: str, field: str, dialect: str) -> None:
    owner, stranger = make_world("owner"), make_world("stranger")
    path, model, column, named = PLANTS[kind, field]
    own = stranger.ids[path.partition("{")[2].partition("}")[0]]
    theirs = owner.ids[named]
    value: Any = theirs if column == "source" else decode_id(PREFIXES[named], theirs)
    row = model._default_manager.filter(pk=decode_id(own.partition("_")[0], own))
    assert row.update(**{column: value}) == 1
    response = stranger.caller.get(dialect + path.format(**stranger.ids), **{"expand[]": field})
    assert response.status_code == 200
    assert response.json()[field] == theirs
    assert not any(secret.encode() in response.content for secret in owner.secrets)


@pytest.mark.django_db
def test_no_loader_reads_another_account() -> None:
    owner, stranger = make_world("owner"), make_world("stranger")
    kinds = [*PREFIXES, "refund", "setup"]
    wanted = [owner.ids[kind] for kind in kinds]
    assert {public_id.partition("_")[0] for public_id in wanted} == LOADERS.keys()
    assert load(owner.account.id, wanted).keys() == set(wanted)
    assert load(stranger.account.id, wanted) == {}
