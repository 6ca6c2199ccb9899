"""Whatever happens to payments, in any order: the books sum to zero, and the balance is what they say."""

from contextlib import suppress
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from core.accounts import create_account
from core.authentication import authenticate_payment_intent
from core.confirmation import confirm_payment_intent
from core.errors import CardDeclined, CoreError, IllegalMove
from core.ledger import Book, balances_of, fee_of
from core.models import BalanceTransaction, Charge, LedgerEntry, PaymentIntent, Refund
from core.payments import cancel_payment_intent, capture_payment_intent
from core.refunds import create_refund, settle_next_refund
from core.settlement import lease_due_settlements, settle_payment
from tests.core.merchants import new_intent, write_of

METHODS = (
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_authenticationRequired",
    "pm_usBankAccount_success",
    "pm_usBankAccount_noAccount",
    "pm_usBankAccount_processing",
)
CURRENCIES = ("usd", "eur", "jpy")
AMOUNTS = st.integers(50, 5_000)


class Merchant(RuleBasedStateMachine):
    """One merchant's payments. What he got and gave back is counted here from the answers alone.

    Settlement is everybody's: it may end what other merchants, of examples before, have left behind.
    """

    intents = Bundle("intents")

    def __init__(self) -> None:
        super().__init__()
        self.account = create_account(name="Shop")
        self.captured: dict[Any, int] = {}
        self.refunded: dict[Any, int] = {}
        self.currency: dict[Any, str] = {}

    @rule(
        target=intents,
        amount=AMOUNTS,
        currency=st.sampled_from(CURRENCIES),
        method=st.sampled_from(METHODS),
        capture_method=st.sampled_from(("automatic", "manual")),
    )
    def create(self, amount: int, currency: str, method: str, capture_method: str) -> Any:
        intent = new_intent(
            self.account,
            amount=amount,
            currency=currency,
            payment_method=method,
            capture_method=capture_method,
        )
        self.currency[intent.id] = currency
        return intent.id

    @rule(intent=intents, method=st.none() | st.sampled_from(METHODS))
    def confirm(self, intent: Any, method: str | None) -> None:
        with suppress(IllegalMove, CardDeclined):
            self._note(
                intent,
                confirm_payment_intent(write=self._write(), intent_id=intent, payment_method=method),
            )

    @rule(intent=intents, passed=st.booleans())
    def authenticate(self, intent: Any, passed: bool) -> None:
        with suppress(IllegalMove):
            self._note(
                intent, authenticate_payment_intent(write=self._write(), intent_id=intent, passed=passed)
            )

    @rule(intent=intents, amount=st.none() | AMOUNTS)
    def capture(self, intent: Any, amount: int | None) -> None:
        with suppress(CoreError):
            self._note(intent, capture_payment_intent(write=self._write(), intent_id=intent, amount=amount))

    @rule(intent=intents, amount=st.none() | AMOUNTS)
    def refund(self, intent: Any, amount: int | None) -> None:
        with suppress(CoreError):
            made = create_refund(write=self._write(), charge_id=None, intent_id=intent, amount=amount)
            self.refunded[intent] = self.refunded.get(intent, 0) + made["amount"]

    @rule(intent=intents)
    def cancel(self, intent: Any) -> None:
        with suppress(IllegalMove):
            cancel_payment_intent(write=self._write(), intent_id=intent, reason=None)

    @rule()
    def bank_debits_settle(self) -> None:
        for due in lease_due_settlements(limit=100):
            settled = settle_payment(due)
            if settled is not None and settled.status == "succeeded" and settled.id in self.currency:
                self.captured[settled.id] = settled.amount_received

    @rule()
    def refunds_settle(self) -> None:
        while (settled := settle_next_refund()) is not None:
            if settled.status == "failed" and settled.payment_intent_id in self.currency:
                self.refunded[settled.payment_intent_id] -= settled.amount

    def _note(self, intent: Any, answered: dict[str, Any]) -> None:
        if answered["status"] == "succeeded":
            self.captured[intent] = answered["amount_received"]

    def _write(self) -> Any:
        return write_of(self.account)

    @invariant()
    def every_transaction_sums_to_zero(self) -> None:
        sums = LedgerEntry.objects.filter(transaction__account=self.account).values_list("transaction")
        assert {total for _, total in sums.annotate(Sum("amount"))} <= {0}

    @invariant()
    def the_balance_is_the_sum_of_the_transactions_and_of_the_merchants_book(self) -> None:
        expected: dict[str, int] = {}
        for intent, amount in self.captured.items():
            currency = self.currency[intent]
            gained = amount - fee_of(amount) - self.refunded.get(intent, 0)
            expected[currency] = expected.get(currency, 0) + gained
        balances = {currency: sum(parts.values()) for currency, parts in balances_of(self.account.id).items()}
        transactions = BalanceTransaction.objects.filter(account=self.account)
        books = transactions.filter(entries__book=Book.MERCHANT.value)
        assert balances == expected
        assert dict(transactions.values_list("currency").annotate(Sum("net"))) == expected
        assert dict(books.values_list("currency").annotate(Sum("entries__amount"))) == expected

    @invariant()
    def nothing_is_refunded_that_was_not_captured(self) -> None:
        charges = Charge.objects.filter(account=self.account)
        for charge in charges:
            given = (
                Refund.objects.filter(charge=charge)
                .exclude(status="failed")
                .aggregate(total=Sum("amount"))["total"]
                or 0
            )
            assert given == charge.amount_refunded <= charge.amount_captured <= charge.amount
            assert charge.captured or charge.status == "pending" or charge.amount_captured == 0
        assert set(self.refunded) <= set(self.captured)

    @invariant()
    def an_intent_is_paid_by_one_charge(self) -> None:
        for intent in PaymentIntent.objects.filter(account=self.account):
            assert intent.amount_received == self.captured.get(intent.id, 0)
            taken = [charge.id for charge in intent.charges.all() if charge.amount_captured]
            assert taken == ([intent.latest_charge_id] if intent.amount_received else [])


@pytest.mark.django_db(transaction=True)
def test_the_ledger_holds_whatever_happens_in_whatever_order(bank: dict[str, Any]) -> None:
    run_state_machine_as_test(
        Merchant,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
