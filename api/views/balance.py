"""`/balance/` and what moved it; `/account/`: whose it is."""

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import ResourceMissing
from api.inputs import RETRIEVE
from api.money_inputs import BALANCE_TRANSACTIONS
from api.views.base import ApiView
from api.views.lists import listed
from core.account_objects import account_object
from core.accounts import get_account
from core.ledger import balances_of, transactions_of
from core.lookups import get_balance_transaction, uuid_of
from core.money_errors import BalanceTransactionNotFound
from core.money_objects import balance_object, balance_transaction_object

_KIND = "balance_transaction"
_transaction_uuid = partial(uuid_of, prefix="txn", missing=BalanceTransactionNotFound)


class BalanceView(ApiView):
    """What the account may use now, and what it may use later."""

    def get(self, request: Request) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="balance")
        return self.answer(self.shown(balance_object(balances_of(self.account_id))))


class BalanceTransactionsView(ApiView):
    """The movements of the account's balance."""

    def get(self, request: Request) -> HttpResponse:
        return listed(
            self,
            takes=BALANCE_TRANSACTIONS,
            kind=_KIND,
            prefix="txn",
            noun="balance transaction",
            whole=transactions_of(self.account_id),
            show=balance_transaction_object,
            filters={name: name for name in ("currency", "source", "type")},
        )


class BalanceTransactionView(ApiView):
    """One movement."""

    def get(self, request: Request, id: str) -> HttpResponse:
        expansions = self.expansions(self.query(RETRIEVE), kind=_KIND)
        row = get_balance_transaction(self.account_id, _transaction_uuid(id))
        return self.answer(self.shown(balance_transaction_object(row), expansions))


class AccountView(ApiView):
    """The caller's own account."""

    def get(self, request: Request) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="account")
        return self.answer(self.shown(account_object(get_account(self.owner))))


class AccountByIdView(ApiView):
    """The same by its id; there is no access to another."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="account")
        if id != self.owner:
            raise ResourceMissing("account", id, param="account")
        return self.answer(self.shown(account_object(get_account(self.owner))))
