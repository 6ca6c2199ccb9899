"""`/payment_intents/` and what can be done with one."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.inputs import (
    CANCEL,
    CONFIRM,
    PAYMENT_INTENT,
    PAYMENT_INTENT_CHANGE,
    PAYMENT_INTENT_RETRIEVE,
    PAYMENT_INTENT_SEARCH,
    PAYMENT_INTENTS,
)
from api.metadata import merged, merging
from api.pagination import Cursor, created_within, list_object, page_of
from api.search import PAYMENT_INTENT_FIELDS, search, search_object
from api.views.base import ApiView
from core.intent_updates import update_payment_intent
from core.lookups import check_client_secret, get_payment_intent, payment_intent_uuid, payment_intents_of
from core.objects import payment_intent_object
from core.payments import cancel_payment_intent, confirm_payment_intent, create_payment_intent

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
        shown = self.shown_all([payment_intent_object(row) for row in page.rows], expansions)
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(PAYMENT_INTENT)
        values = {**fields, "metadata": merged({}, fields.get("metadata"))}
        expansions = self.expansions(values, kind=_KIND)
        return self.write(
            fields,
            lambda write: create_payment_intent(write=write, fields=values),
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
        query = self.query(PAYMENT_INTENT_RETRIEVE)
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
        expansions = self.expansions(dict(fields), kind=_KIND)
        intent_id = payment_intent_uuid(id)
        secret = self.client_secret(dict(fields))
        if secret is not None:
            check_client_secret(get_payment_intent(self.account_id, intent_id), secret)
        return self.write(
            fields,
            lambda write: confirm_payment_intent(
                write=write, intent_id=intent_id, payment_method=fields.get("payment_method")
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
