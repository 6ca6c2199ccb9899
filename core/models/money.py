"""Money that moved: charges, refunds, and the ledger of both.

Charges and the ledger name only rows that the same statement writes or reads, and nothing of these is ever deleted:
their foreign keys are not checked once more at the commit (`db_constraint=False`).
"""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q

from core.models.parties import Account, Customer, Identified
from core.models.payments import PaymentIntent, PaymentMethod
from outbox.identifiers import encode_id


class Charge(Identified):
    """One attempt to take the money of a payment intent, and what became of it."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="charges"
    )
    payment_intent = models.ForeignKey(
        PaymentIntent,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="charges",
    )
    customer = models.ForeignKey(
        Customer,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    method = models.ForeignKey(
        PaymentMethod,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    behaviour = models.TextField()  # of its payment method, as the other three were when it paid
    exp_month = models.SmallIntegerField(null=True)
    exp_year = models.SmallIntegerField(null=True)
    billing_details = models.JSONField()
    amount = models.IntegerField()
    amount_captured = models.IntegerField(default=0)
    amount_refunded = models.IntegerField(default=0)
    currency = models.TextField()
    status = models.TextField()
    captured = models.BooleanField()
    failure_code = models.TextField(null=True)
    failure_message = models.TextField(null=True)
    decline_code = models.TextField(null=True)
    description = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    receipt_email = models.TextField(null=True)
    shipping = models.JSONField(null=True)
    statement_descriptor = models.TextField(null=True)
    statement_descriptor_suffix = models.TextField(null=True)
    # Of the capture. No foreign key: the transaction names its charge, and one direction is enough.
    balance_transaction_id = models.UUIDField(null=True)

    class Meta:
        db_table = "core_charge"
        indexes = [
            Index(fields=["account", "id"], name="core_charge_account_id"),
            Index(fields=["payment_intent", "id"], name="core_charge_intent_id"),
            Index(
                fields=["customer", "id"], name="core_charge_customer_id", condition=Q(customer__isnull=False)
            ),
        ]
        constraints = [
            CheckConstraint(
                condition=Q(status__in=["pending", "succeeded", "failed"]), name="core_charge_status"
            ),
            CheckConstraint(
                condition=Q(amount_refunded__gte=0)
                & Q(amount_refunded__lte=F("amount_captured"))
                & Q(amount_captured__lte=F("amount")),
                name="core_charge_amounts",
            ),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("ch", self.id)


class Refund(Identified):
    """Money of a charge given back."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, related_name="refunds")
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, db_index=False, related_name="refunds")
    payment_intent = models.ForeignKey(
        PaymentIntent, on_delete=models.PROTECT, db_index=False, related_name="refunds"
    )
    amount = models.IntegerField()
    currency = models.TextField()
    status = models.TextField()
    reason = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    failure_reason = models.TextField(null=True)
    balance_transaction_id = models.UUIDField(null=True)
    failure_transaction_id = models.UUIDField(null=True)
    # When the bank's last word is due; NULL once it was said.
    settle_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            Index(fields=["account", "id"], name="core_refund_account_id"),
            Index(fields=["charge", "id"], name="core_refund_charge_id"),
            Index(fields=["payment_intent", "id"], name="core_refund_intent_id"),
            Index(fields=["settle_at"], name="core_refund_settle_at", condition=Q(settle_at__isnull=False)),
        ]
        constraints = [CheckConstraint(condition=Q(amount__gt=0), name="core_refund_amount")]

    @property
    def public_id(self) -> str:
        return encode_id("re", self.id)


class BalanceTransaction(Identified):
    """One movement of a merchant's balance; its ledger entries sum to zero."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    type = models.TextField()
    source = models.TextField()  # the public id of what moved the money: `ch_…`, `re_…`
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()
    net = models.BigIntegerField()  # what the merchant's balance gains
    currency = models.TextField()
    description = models.TextField(null=True)
    available_at = models.DateTimeField()

    class Meta:
        db_table = "core_balance_transaction"
        indexes = [
            Index(fields=["account", "id"], name="core_transaction_account_id"),
            Index(fields=["source"], name="core_transaction_source"),
            # Covers the whole balance of an account.
            Index(
                fields=["account", "currency", "available_at"],
                include=["net"],
                name="core_transaction_balance",
            ),
        ]
        constraints = [
            CheckConstraint(condition=Q(net=F("amount") - F("fee")), name="core_transaction_net"),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("txn", self.id)


class LedgerEntry(models.Model):
    """One side of a movement. A trigger refuses entries that do not sum to zero, and any change of them."""

    transaction = models.ForeignKey(
        BalanceTransaction,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="entries",
    )
    book = models.TextField()  # core.ledger.Book
    amount = models.BigIntegerField()  # what the book gains; in the transaction's currency

    class Meta:
        db_table = "core_ledger_entry"
        constraints = [models.UniqueConstraint(fields=["transaction", "book"], name="core_ledger_entry_once")]
