"""Setup intents: a payment method kept for later, with its payer's consent.

No money moves, so the bank's answer is known from the payment method: each write is one transaction, under the
lock of the intent's row.
"""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.errors import CardDeclined, InvalidParameter
from core.events import record
from core.lookups import customer_uuid, get_live_customer, get_payment_method, get_setup_intent
from core.method_objects import refusal_object
from core.models import PaymentMethod, SetupIntent
from core.money_errors import IllegalSetupMove
from core.objects import setup_intent_object
from core.payment_methods import Decline, resolve_payment_method
from core.states import Status
from core.wallets import Chosen, attach, choose_payment_method, refusal_to_attach
from core.writes import Write

CANCELLATION_REASONS = ("abandoned", "duplicate", "requested_by_customer")
_OPEN = (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION, Status.REQUIRES_ACTION)


def create_setup_intent(*, write: Write, fields: Mapping[str, Any], confirm: bool = False) -> dict[str, Any]:
    """The new setup intent, canonical. Opens one transaction: operation, row, events, answer.

    Args:
        fields: columns of the row, and `customer` (a public id), `payment_method` (a name or an id) and
            `billing_details` of one that is new with it; absent and null ones as they are.
        confirm: as `confirm_setup_intent`, at once.

    Raises:
        CustomerNotFound, PaymentMethodNotFound, PaymentMethodSpent, PaymentMethodOfAnotherCustomer: it names what
            cannot be used.
        CardDeclined: the bank refuses the card; the intent stays, and waits for another.
    """
    values = {name: value for name, value in fields.items() if value is not None}
    customer = values.pop("customer", None)
    customer_id = None if customer is None else customer_uuid(customer, param="customer")
    chosen = choose_payment_method(
        write.account_id, values.pop("payment_method", None), values.pop("billing_details", None)
    )
    chosen.require_customer(customer_id)
    values.setdefault("payment_method_types", ["card", "us_bank_account"])
    with transaction.atomic(durable=True):
        write.operation.begin()
        if customer_id is not None:
            get_live_customer(write.account_id, customer_id)
        row = SetupIntent(account_id=write.account_id, customer_id=customer_id, **values)
        row.client_secret = f"{row.public_id}_secret_{secrets.token_hex(12)}"
        row.status = Status.REQUIRES_PAYMENT_METHOD.value
        _take(row, chosen)
        row.save(force_insert=True)
        record(write, "setup_intent.created", setup_intent_object(row))
        refusal = _confirm(write, row) if confirm else None
        result = _stored(write, row, refusal)
    if refusal is not None:
        raise refusal
    return result


def confirm_setup_intent(
    *,
    write: Write,
    intent_id: uuid.UUID,
    payment_method: str | None,
    billing_details: Mapping[str, Any] | None = None,
    return_url: str | None = None,
) -> dict[str, Any]:
    """The confirmed setup intent, canonical. Opens one transaction: operation, rows, events, answer.

    Raises:
        SetupIntentNotFound: no such setup intent in the account.
        IllegalSetupMove: it is at its end.
        InvalidParameter: there is no payment method to be kept.
        and what `create_setup_intent` raises.
    """
    chosen = choose_payment_method(write.account_id, payment_method, billing_details)
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = _locked(
            write, intent_id, "confirm", (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION)
        )
        chosen.require_customer(row.customer_id)
        _take(row, chosen)
        row.return_url = return_url or row.return_url
        refusal = _confirm(write, row)
        result = _stored(write, row, refusal)
    if refusal is not None:
        raise refusal
    return result


def authenticate_setup_intent(*, write: Write, intent_id: uuid.UUID, passed: bool) -> dict[str, Any]:
    """The setup intent after its payer passed or failed, canonical. Opens one transaction.

    Raises:
        SetupIntentNotFound: no such setup intent in the account.
        IllegalSetupMove: it waits for no authentication.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = _locked(write, intent_id, "authenticate", (Status.REQUIRES_ACTION,))
        method = _method(row)
        if passed:
            _keep(write, row, method)
        else:
            error = refusal_object(
                type="invalid_request_error",
                kind="card",
                code="setup_intent_authentication_failure",
                message=_FAILED,
                method=method,
            )
            _refuse(write, row, error)
        return _stored(write, row, None)


def cancel_setup_intent(*, write: Write, intent_id: uuid.UUID, reason: str | None) -> dict[str, Any]:
    """The canceled setup intent, canonical. Opens one transaction: operation, row, event, answer.

    Raises:
        SetupIntentNotFound: no such setup intent in the account.
        IllegalSetupMove: it is at its end.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = _locked(write, intent_id, "cancel", _OPEN)
        row.status = Status.CANCELED.value
        row.cancellation_reason = reason
        row.save()
        record(write, "setup_intent.canceled", setup_intent_object(row))
        return _stored(write, row, None)


_FAILED = (
    "The provided PaymentMethod has failed authentication. Provide a new PaymentMethod to attempt it again."
)


def _locked(write: Write, intent_id: uuid.UUID, move: str, sources: tuple[Status, ...]) -> SetupIntent:
    row = get_setup_intent(write.account_id, intent_id, lock=True)
    if row.status not in sources:
        raise IllegalSetupMove(move=move, setup_intent=setup_intent_object(row))
    return row


def _take(row: SetupIntent, chosen: Chosen) -> None:
    """The chosen payment method for the one there was; a new one gets its row."""
    if chosen.behaviour is None:
        return
    if chosen.makes:
        PaymentMethod.objects.create(
            id=chosen.method_id,
            account_id=row.account_id,
            behaviour=chosen.behaviour.id,
            billing_details=dict(chosen.billing_details),
        )
    row.method_id = chosen.method_id
    row.status = Status.REQUIRES_CONFIRMATION.value


def _confirm(write: Write, row: SetupIntent) -> CardDeclined | None:
    if row.method_id is None:
        raise InvalidParameter(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with "
            "a payment method and then confirm it again.",
            param="payment_method",
        )
    method = _method(row)
    behaviour = resolve_payment_method(method.behaviour)
    row.last_setup_error = None
    refused = refusal_to_attach(behaviour)
    if refused is not None:
        error = _error(refused, method)
        _refuse(write, row, error)
        return CardDeclined(error, setup_intent=setup_intent_object(row))
    if behaviour.challenged:
        row.status = Status.REQUIRES_ACTION.value
        row.save()
        record(write, "setup_intent.requires_action", setup_intent_object(row))
        return None
    _keep(write, row, method)
    return None


def _keep(write: Write, row: SetupIntent, method: PaymentMethod) -> None:
    if row.customer_id is not None and method.customer_id is None:
        attach(write=write, row=method, customer_id=row.customer_id)
    row.status = Status.SUCCEEDED.value
    row.save()
    record(write, "setup_intent.succeeded", setup_intent_object(row))


def _refuse(write: Write, row: SetupIntent, error: dict[str, Any]) -> None:
    row.status = Status.REQUIRES_PAYMENT_METHOD.value
    row.last_setup_error = error
    row.method = None
    row.save()
    record(write, "setup_intent.setup_failed", setup_intent_object(row))


def _stored(write: Write, row: SetupIntent, refusal: CardDeclined | None) -> dict[str, Any]:
    """Store the operation's answer in the open transaction."""
    result = setup_intent_object(row)
    if refusal is None:
        write.operation.finish(result)
    else:
        write.operation.finish_error(refusal)
    return result


def _method(row: SetupIntent) -> PaymentMethod:
    assert row.method_id is not None, "it was taken before"
    return get_payment_method(row.account_id, row.method_id)


def _error(refused: Decline, method: PaymentMethod) -> dict[str, Any]:
    return refusal_object(
        type="card_error",
        kind=resolve_payment_method(method.behaviour).kind,
        code=refused.code,
        message=refused.message,
        decline_code=refused.decline_code,
        method=method,
    )
