"""`/charges/`: attempts to take money."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.inputs import RETRIEVE
from api.metadata import merging
from api.money_inputs import CHARGE_CHANGE, CHARGES
from api.views.base import ApiView
from api.views.lists import listed
from core.charges import update_charge
from core.lookups import charges_of, get_charge, uuid_of
from core.money_errors import ChargeNotFound
from core.money_objects import charge_object

_KIND = "charge"
_charge_uuid = partial(uuid_of, prefix="ch", missing=ChargeNotFound, param="charge")


class ChargesView(ApiView):
    """The charges of the account."""

    def get(self, request: Request) -> HttpResponse:
        return listed(
            self,
            takes=CHARGES,
            kind=_KIND,
            prefix="ch",
            noun=_KIND,
            whole=charges_of(self.account_id),
            show=charge_object,
            filters={"customer": "customer_id", "payment_intent": "payment_intent_id"},
        )


class ChargeView(ApiView):
    """One charge."""

    def get(self, request: Request, id: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        row = get_charge(self.account_id, _charge_uuid(id))
        return self.answer(self.shown(charge_object(row), expansions))

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(CHARGE_CHANGE)
        changes = merging(fields)
        expansions = self.expansions(changes, kind=_KIND)
        charge_id = _charge_uuid(id)
        return self.write(
            fields,
            lambda write: update_charge(write=write, charge_id=charge_id, changes=changes),
            show=partial(self.shown, expansions=expansions),
        )
