"""`/payment_intents/` and what can be done with one."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.confirming import method_of, refuse_without_confirm, terms_of
from api.expansion import expand
from api.inputs import (
    AUTHENTICATE,
    CANCEL,
    CAPTURE,
    CONFIRM,
    PAYMENT_INTENT,
    PAYMENT_INTENTS,
    RETRIEVE,
)
from api.metadata import merged
from api.pagination import Cursor, created_within, list_object, page_of
from api.views.base import ApiView
from core.authentication import authenticate_payment_intent
from core.lookups import get_payment_intent, payment_intent_uuid, payment_intents_of
from core.objects import payment_intent_object
from core.payments import (
    FIELDS,
    cancel_payment_intent,
    capture_payment_intent,
    confirm_payment_intent,
    create_and_confirm,
    create_payment_intent,
)

_KIND = "payment_intent"


class PaymentIntentsView(ApiView):
    """The payment intents of the account."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(PAYMENT_INTENTS)
        expansions = self.expansions(query, kind=_KIND, listed=True)
        whole = payment_intents_of(self.account_id)
        rows = created_within(whole, query.get("created"))
        if "customer" in query:
            rows = rows.filter(customer_id=query["customer"])
        page = page_of(rows, Cursor.of(query), whole=whole, prefix="pi", noun=_KIND)
        shown = [self.shown(payment_intent_object(row)) for row in page.rows]
        expand(shown, expansions, account_id=self.account_id)
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(PAYMENT_INTENT)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        method, billing_details = method_of(values)
        row = {
            **{name: value for name, value in values.items() if name in FIELDS},
            "payment_method": method,
            "billing_details": billing_details,
            "metadata": merged({}, values.get("metadata")),
        }
        if values.get("confirm"):
            terms = terms_of(values)
            return self.write(
                fields,
                lambda write: create_and_confirm(write=write, fields=row, terms=terms),
                show=partial(self.shown, expansions=expansions),
                status=self.created_status,
            )
        refuse_without_confirm(values)
        return self.write(
            fields,
            lambda write: create_payment_intent(write=write, fields=row),
            show=partial(self.shown, expansions=expansions),
            status=self.created_status,
        )


class PaymentIntentView(ApiView):
    """One payment intent."""

    def get(self, request: Request, id: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        row = get_payment_intent(self.account_id, payment_intent_uuid(id))
        return self.answer(self.shown(payment_intent_object(row), expansions))


class ConfirmView(ApiView):
    """Ask the bank for the money."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(CONFIRM)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        intent_id = payment_intent_uuid(id)
        method, _ = method_of(values)
        terms = terms_of(values)
        return self.write(
            fields,
            lambda write: confirm_payment_intent(
                write=write, intent_id=intent_id, payment_method=method, terms=terms
            ),
            show=partial(self.shown, expansions=expansions),
        )


class CaptureView(ApiView):
    """Take what a card holds."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(CAPTURE)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        intent_id = payment_intent_uuid(id)
        return self.write(
            fields,
            lambda write: capture_payment_intent(
                write=write, intent_id=intent_id, amount=values.get("amount_to_capture")
            ),
            show=partial(self.shown, expansions=expansions),
        )


class AuthenticateView(ApiView):
    """Decide as the payer would on the bank's page."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(AUTHENTICATE)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        intent_id = payment_intent_uuid(id)
        return self.write(
            fields,
            lambda write: authenticate_payment_intent(
                write=write, intent_id=intent_id, passed=values["outcome"] == "succeeded"
            ),
            show=partial(self.shown, expansions=expansions),
        )


class CancelView(ApiView):
    """Give the payment up."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(CANCEL)
        expansions = self.expansions(dict(fields), kind=_KIND)
        intent_id = payment_intent_uuid(id)
        return self.write(
            fields,
            lambda write: cancel_payment_intent(
                write=write, intent_id=intent_id, reason=fields.get("cancellation_reason")
            ),
            show=partial(self.shown, expansions=expansions),
        )
