"""`/payment_methods/`: what customers pay with."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from api.inputs import EXPAND, RETRIEVE
from api.metadata import merged, merging
from api.method_inputs import (
    ATTACH,
    CUSTOMER_PAYMENT_METHODS,
    PAYMENT_METHOD,
    PAYMENT_METHOD_CHANGE,
    PAYMENT_METHODS,
)
from api.views.base import ApiView
from api.views.lists import listed
from core.errors import PaymentMethodNotFound
from core.lookups import customer_uuid, get_customer, get_payment_method, payment_methods_of, uuid_of
from core.method_data import behaviour_of_data
from core.method_objects import payment_method_object
from core.models import PaymentMethod
from core.payment_methods import DEBITS
from core.wallets import (
    attach_payment_method,
    create_payment_method,
    detach_payment_method,
    update_payment_method,
)

_KIND = "payment_method"
_LIST: dict[str, Any] = {"kind": _KIND, "prefix": "pm", "noun": _KIND, "show": payment_method_object}
_method_uuid = partial(uuid_of, prefix="pm", missing=PaymentMethodNotFound, param="payment_method")


class PaymentMethodsView(ApiView):
    """The payment methods of the account that are saved for a customer."""

    def get(self, request: Request) -> HttpResponse:
        whole = payment_methods_of(self.account_id).filter(customer__isnull=False)
        return listed(
            self,
            takes=PAYMENT_METHODS,
            whole=_of_type(self, whole),
            filters={"customer": "customer_id"},
            **_LIST,
        )

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(PAYMENT_METHOD)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        behaviour = behaviour_of_data(values, param="")
        row = {
            "metadata": merged({}, values.get("metadata")),
            "billing_details": values.get("billing_details") or {},
            **{name: values[name] for name in ("allow_redisplay",) if name in values},
            **_expiry(values),
        }
        return self.write(
            fields,
            lambda write: create_payment_method(write=write, behaviour=behaviour, fields=row),
            show=partial(self.shown, expansions=expansions),
            status=self.created_status,
        )


class PaymentMethodView(ApiView):
    """One payment method."""

    def get(self, request: Request, id: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        row = get_payment_method(self.account_id, _method_uuid(id))
        return self.answer(self.shown(payment_method_object(row), expansions))

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(PAYMENT_METHOD_CHANGE)
        changes = {**merging(fields), **_expiry(fields)}
        changes.pop("card", None)
        expansions = self.expansions(changes, kind=_KIND)
        if "billing_details" in changes:
            given = changes["billing_details"]
            changes["billing_details"] = lambda held: {**held, **given}
        method_id = _method_uuid(id)
        return self.write(
            fields,
            lambda write: update_payment_method(write=write, method_id=method_id, changes=changes),
            show=partial(self.shown, expansions=expansions),
        )


class AttachView(ApiView):
    """Save a payment method for a customer."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(ATTACH)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        customer_id = customer_uuid(values["customer"], param="customer")
        return self.write(
            fields,
            lambda write: attach_payment_method(write=write, name=id, customer_id=customer_id),
            show=partial(self.shown, expansions=expansions),
        )


class DetachView(ApiView):
    """Take a payment method from its customer, for ever."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(EXPAND)
        expansions = self.expansions(dict(fields), kind=_KIND)
        method_id = _method_uuid(id)
        return self.write(
            fields,
            lambda write: detach_payment_method(write=write, method_id=method_id),
            show=partial(self.shown, expansions=expansions),
        )


class CustomerPaymentMethodView(ApiView):
    """One payment method of a customer."""

    def get(self, request: Request, id: str, method: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        customer = get_customer(self.account_id, customer_uuid(id, param="customer"))
        row = get_payment_method(self.account_id, _method_uuid(method))
        if row.customer_id != customer.id:
            raise PaymentMethodNotFound(method)
        return self.answer(self.shown(payment_method_object(row), expansions))


class CustomerPaymentMethodsView(ApiView):
    """The payment methods of a customer."""

    def get(self, request: Request, id: str) -> HttpResponse:
        customer = get_customer(self.account_id, customer_uuid(id, param="customer"))
        whole = payment_methods_of(self.account_id).filter(customer=customer)
        return listed(self, takes=CUSTOMER_PAYMENT_METHODS, whole=_of_type(self, whole), **_LIST)


def _of_type(view: ApiView, rows: QuerySet[PaymentMethod]) -> QuerySet[PaymentMethod]:
    """Only cards, or only bank accounts, where the query says so."""
    match view.request.GET.get("type"):
        case "card":
            return rows.exclude(behaviour__in=DEBITS)
        case "us_bank_account":
            return rows.filter(behaviour__in=DEBITS)
        case _:
            return rows


def _expiry(values: Mapping[str, Any]) -> dict[str, Any]:
    card = values.get("card") or {}
    return {name: card[name] for name in ("exp_month", "exp_year") if name in card}
