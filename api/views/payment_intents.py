"""`/payment_intents/` and what can be done with one."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.confirming import method_of, refuse_without_confirm, terms_of
from api.metadata import merged, merging
from api.money_inputs import (
    AUTHENTICATE,
    CANCEL,
    CAPTURE,
    CONFIRM,
    PAYMENT_INTENT,
    PAYMENT_INTENT_CHANGE,
    PAYMENT_INTENT_SEARCH,
    PAYMENT_INTENTS,
    SECRET_RETRIEVE,
)
from api.search import PAYMENT_INTENT_FIELDS, search, search_object
from api.views.base import ApiView
from api.views.lists import listed
from core.authentication import authenticate_payment_intent
from core.intent_updates import update_payment_intent
from core.lookups import check_client_secret, get_payment_intent, payment_intent_uuid, payment_intents_of
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
        return listed(
            self,
            takes=PAYMENT_INTENTS,
            kind=_KIND,
            prefix="pi",
            noun=_KIND,
            whole=payment_intents_of(self.account_id),
            show=payment_intent_object,
            filters={"customer": "customer_id"},
        )

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


class PaymentIntentSearchView(ApiView):
    """The payment intents that a query finds."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(PAYMENT_INTENT_SEARCH)
        expansions = self.expansions(query, kind=_KIND, listed=True)
        page, next_page = search(
            payment_intents_of(self.account_id),
            PAYMENT_INTENT_FIELDS,
            query=query,
            scope=self.account_id,
            resource="payment_intents",
        )
        shown = self.shown_all([payment_intent_object(row) for row in page.rows], expansions)
        return self.answer(search_object(shown, next_page=next_page, path=request.path))


class PaymentIntentView(ApiView):
    """One payment intent."""

    publishable_methods = frozenset({"GET"})

    def get(self, request: Request, id: str) -> HttpResponse:
        query = self.query(SECRET_RETRIEVE)
        secret = self.client_secret(query)
        expansions = self.expansions(query, kind=_KIND)
        row = get_payment_intent(self.account_id, payment_intent_uuid(id))
        if secret is not None:
            check_client_secret(row, secret)
        return self.answer(self.shown(payment_intent_object(row), expansions))

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(PAYMENT_INTENT_CHANGE)
        changes = merging(fields)
        expansions = self.expansions(changes, kind=_KIND)
        intent_id = payment_intent_uuid(id)
        return self.write(
            fields,
            lambda write: update_payment_intent(write=write, intent_id=intent_id, changes=changes),
            show=partial(self.shown, expansions=expansions),
        )


class ConfirmView(ApiView):
    """Ask the bank for the money."""

    publishable_methods = frozenset({"POST"})

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(CONFIRM)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        intent_id = payment_intent_uuid(id)
        secret = self.client_secret(values)
        if secret is not None:
            check_client_secret(get_payment_intent(self.account_id, intent_id), secret)
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
