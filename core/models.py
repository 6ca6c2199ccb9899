"""What merchants own. Rows are canonical: Stripe's statuses, amounts in minor units.

Ids are UUIDv7 made by us before the insert, so `created` needs no column.
"""

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, Index, Q

from core.key_scopes import KeyKind
from core.states import Status
from outbox.identifiers import encode_id, moment_of, new_uuid


class Identified(models.Model):
    """A row known by its UUIDv7."""

    id = models.UUIDField(primary_key=True, editable=False, default=new_uuid)

    class Meta:
        abstract = True

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)


class Account(Identified):
    """A merchant."""

    name = models.TextField()
    # Of answers to requests under /v1 that name none, and of events where the endpoint was made without one.
    api_version = models.TextField(db_default="2026-10-28.endive")

    @property
    def public_id(self) -> str:
        return encode_id("acct", self.id)


class ApiKey(Identified):
    """What a merchant's server authenticates with. Only a keyed hash of its text is kept."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    name = models.TextField()
    kind = models.TextField(default=KeyKind.SECRET.value, db_default=KeyKind.SECRET.value)
    scopes = models.JSONField(null=True)  # of a restricted key: resource → "read" or "write"
    token_hash = models.BinaryField()
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "core_api_key"

    @property
    def public_id(self) -> str:
        return encode_id("key", self.id)


class Customer(Identified):
    """Somebody who pays a merchant."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, related_name="customers")
    name = models.TextField(null=True)
    email = models.TextField(null=True)
    description = models.TextField(null=True)
    phone = models.TextField(null=True)
    address = models.JSONField(null=True)
    shipping = models.JSONField(null=True)
    metadata = models.JSONField(default=dict)
    # What refers to a deleted customer goes on doing so; it is read as deleted, and listed no more.
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            Index(fields=["account", "id"], name="core_customer_account_id"),
            Index(fields=["account", "email", "id"], name="core_customer_email"),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("cus", self.id)


class PaymentIntent(Identified):
    """One payment, from the wish to its end."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_index=False, related_name="payment_intents"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, null=True, related_name="payment_intents"
    )
    amount = models.IntegerField()
    currency = models.TextField()
    status = models.TextField()
    amount_received = models.IntegerField(default=0)
    client_secret = models.TextField()
    description = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    payment_method = models.TextField(null=True)
    payment_method_types = models.JSONField()
    automatic_payment_methods = models.JSONField(null=True)
    receipt_email = models.TextField(null=True)
    shipping = models.JSONField(null=True)
    statement_descriptor = models.TextField(null=True)
    statement_descriptor_suffix = models.TextField(null=True)
    last_payment_error = models.JSONField(null=True)
    canceled_at = models.DateTimeField(null=True)
    cancellation_reason = models.TextField(null=True)
    # The confirmation under way or last made, by which the bank knows it.
    bank_reference = models.UUIDField(null=True)
    # When the next settlement process may take it up: the bank's answer is due, or a lease ends.
    # NULL while processing is a payment that the bank never answers.
    settle_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "core_payment_intent"
        indexes = [
            Index(fields=["account", "id"], name="core_intent_account_id"),
            Index(
                fields=["customer", "id"], name="core_intent_customer_id", condition=Q(customer__isnull=False)
            ),
            Index(fields=["settle_at"], name="core_intent_settle_at", condition=Q(status="processing")),
        ]
        constraints = [
            CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]), name="core_intent_status"
            ),
            CheckConstraint(condition=Q(amount__gt=0), name="core_intent_amount"),
            CheckConstraint(
                condition=Q(settle_at__isnull=True) | Q(status="processing", bank_reference__isnull=False),
                name="core_intent_settles_only_processing",
            ),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("pi", self.id)


class BankAnswer(models.Model):
    """The simulated bank's memory. It belongs to the bank: settlement reads it only by asking."""

    reference = models.UUIDField(primary_key=True, editable=False)
    approved = models.BooleanField()
    code = models.TextField(null=True)
    decline_code = models.TextField(null=True)
    message = models.TextField(null=True)

    class Meta:
        db_table = "core_bank_answer"
