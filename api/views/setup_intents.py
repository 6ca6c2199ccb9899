"""`/setup_intents/`: payment methods to be kept for later."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.confirming import method_of
from api.metadata import merged
from api.money_inputs import (
    AUTHENTICATE,
    SECRET_RETRIEVE,
    SETUP_CANCEL,
    SETUP_CONFIRM,
    SETUP_INTENT,
    SETUP_INTENTS,
)
from api.views.base import ApiView
from api.views.lists import listed
from core.lookups import check_client_secret, get_setup_intent, setup_intents_of, uuid_of
from core.money_errors import SetupIntentNotFound
from core.objects import setup_intent_object
from core.setup_intents import (
    authenticate_setup_intent,
    cancel_setup_intent,
    confirm_setup_intent,
    create_setup_intent,
)

_KIND = "setup_intent"
_WITHOUT_EFFECT = frozenset({"use_stripe_sdk", "mandate_data", "confirm", "payment_method_data"})
_setup_uuid = partial(uuid_of, prefix="seti", missing=SetupIntentNotFound, param="intent")


class SetupIntentsView(ApiView):
    """The setup intents of the account."""

    def get(self, request: Request) -> HttpResponse:
        return listed(
            self,
            takes=SETUP_INTENTS,
            kind=_KIND,
            prefix="seti",
            noun=_KIND,
            whole=setup_intents_of(self.account_id),
            show=setup_intent_object,
            filters={"customer": "customer_id", "payment_method": "method_id"},
        )

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(SETUP_INTENT)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        method, billing_details = method_of(values)
        row = {
            **{name: value for name, value in values.items() if name not in _WITHOUT_EFFECT},
            "payment_method": method,
            "billing_details": billing_details,
            "metadata": merged({}, values.get("metadata")),
        }
        return self.write(
            fields,
            lambda write: create_setup_intent(write=write, fields=row, confirm=values.get("confirm", False)),
            show=partial(self.shown, expansions=expansions),
            status=self.created_status,
        )


class SetupIntentView(ApiView):
    """One setup intent."""

    publishable_methods = frozenset({"GET"})

    def get(self, request: Request, id: str) -> HttpResponse:
        query = self.query(SECRET_RETRIEVE)
        secret = self.client_secret(query)
        expansions = self.expansions(query, kind=_KIND)
        row = get_setup_intent(self.account_id, _setup_uuid(id))
        if secret is not None:
            check_client_secret(row, secret)
        return self.answer(self.shown(setup_intent_object(row), expansions))


class ConfirmSetupView(ApiView):
    """Keep the payment method."""

    publishable_methods = frozenset({"POST"})

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(SETUP_CONFIRM)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        secret = self.client_secret(values)
        method, billing_details = method_of(values)
        intent_id = _setup_uuid(id)
        if secret is not None:
            check_client_secret(get_setup_intent(self.account_id, intent_id), secret)
        return self.write(
            fields,
            lambda write: confirm_setup_intent(
                write=write,
                intent_id=intent_id,
                payment_method=method,
                billing_details=billing_details,
                return_url=values.get("return_url"),
            ),
            show=partial(self.shown, expansions=expansions),
        )


class CancelSetupView(ApiView):
    """Give it up."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(SETUP_CANCEL)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        intent_id = _setup_uuid(id)
        return self.write(
            fields,
            lambda write: cancel_setup_intent(
                write=write, intent_id=intent_id, reason=values.get("cancellation_reason")
            ),
            show=partial(self.shown, expansions=expansions),
        )


class AuthenticateSetupView(ApiView):
    """Decide as the payer would on the bank's page."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(AUTHENTICATE)
        expansions = self.expansions(values := dict(fields), kind=_KIND)
        intent_id = _setup_uuid(id)
        return self.write(
            fields,
            lambda write: authenticate_setup_intent(
                write=write, intent_id=intent_id, passed=values["outcome"] == "succeeded"
            ),
            show=partial(self.shown, expansions=expansions),
        )
