"""`/refunds/`: money given back."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import InvalidParameter
from api.inputs import EXPAND, METADATA, RETRIEVE
from api.metadata import merged, merging
from api.money_inputs import REFUND, REFUNDS
from api.views.base import ApiView
from api.views.lists import listed
from core.lookups import get_refund, refunds_of, uuid_of
from core.money_errors import RefundNotFound
from core.money_objects import refund_object
from core.refunds import cancel_refund, create_refund, update_refund

_KIND = "refund"
_refund_uuid = partial(uuid_of, prefix="re", missing=RefundNotFound, param="refund")


class RefundsView(ApiView):
    """The refunds of the account."""

    def get(self, request: Request) -> HttpResponse:
        return listed(
            self,
            takes=REFUNDS,
            kind=_KIND,
            prefix="re",
            noun=_KIND,
            whole=refunds_of(self.account_id),
            show=lambda row: refund_object(row, row.charge),
            filters={"charge": "charge_id", "payment_intent": "payment_intent_id"},
        )

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(REFUND)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        named = [name for name in ("charge", "payment_intent") if values.get(name) is not None]
        if len(named) != 1:
            raise InvalidParameter(
                "One of the following params should be provided for this request: payment_intent or charge."
                if not named
                else "You may only specify one of these parameters: charge, payment_intent.",
                code="parameters_exclusive" if named else "parameter_missing",
                param=None if not named else "payment_intent",
            )
        return self.write(
            fields,
            lambda write: create_refund(
                write=write,
                charge_id=values.get("charge"),
                intent_id=values.get("payment_intent"),
                amount=values.get("amount"),
                reason=values.get("reason"),
                metadata=merged({}, values.get("metadata")),
            ),
            show=partial(self.shown, expansions=expansions),
            status=self.created_status,
        )


class RefundView(ApiView):
    """One refund."""

    def get(self, request: Request, id: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        row = get_refund(self.account_id, _refund_uuid(id))
        return self.answer(self.shown(refund_object(row, row.charge), expansions))

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(METADATA)
        changes = merging(fields)
        expansions = self.expansions(changes, kind=_KIND)
        refund_id = _refund_uuid(id)
        return self.write(
            fields,
            lambda write: update_refund(write=write, refund_id=refund_id, changes=changes),
            show=partial(self.shown, expansions=expansions),
        )


class CancelRefundView(ApiView):
    """Call a refund back, where it is not final."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(EXPAND)
        self.expansions(dict(fields), kind=_KIND)
        refund_id = _refund_uuid(id)
        return self.write(
            fields, lambda write: cancel_refund(write=write, refund_id=refund_id), show=self.shown
        )
