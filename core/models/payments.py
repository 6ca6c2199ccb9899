"""What is paid with, what is to be paid, and what the bank remembers of it."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q

from core.models.parties import Account, Customer, Identified
from core.states import Status
from outbox.identifiers import encode_id


class PaymentMethod(Identified):
    """What somebody pays with: a test payment method, as one merchant knows it."""

    # Whoever writes it has just proved to be the account.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, null=True, related_name="payment_methods"
    )
    behaviour = models.TextField()  # the id of the test payment method that it acts as
    exp_month = models.SmallIntegerField(null=True)
    exp_year = models.SmallIntegerField(null=True)
    billing_details = models.JSONField(default=dict)
    allow_redisplay = models.TextField(default="unspecified")
    metadata = models.JSONField(default=dict)
    # Once taken from its customer it pays nothing any more.
    detached_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "core_payment_method"
        indexes = [
            Index(fields=["account", "id"], name="core_method_account_id"),
            Index(
                fields=["customer", "id"], name="core_method_customer_id", condition=Q(customer__isnull=False)
            ),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("pm", self.id)


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
    # What the bank is asked with: the id of a test payment method. NULL once that was refused.
    payment_method = models.TextField(null=True)
    # The merchant's payment method behind it; after a refusal still the one that was refused. Read or written with
    # the intent, and never deleted, so its key is not checked once more.
    method = models.ForeignKey(
        PaymentMethod,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    payment_method_types = models.JSONField()
    payment_method_options = models.JSONField(null=True)
    capture_method = models.TextField(default="automatic", db_default="automatic")
    amount_capturable = models.IntegerField(default=0, db_default=0)
    setup_future_usage = models.TextField(null=True)
    # Of the confirmation under way or last made: no payer is there to authenticate.
    off_session = models.BooleanField(default=False, db_default=False)
    return_url = models.TextField(null=True)
    # Written with the charge in one transaction, so it needs no check of its own.
    latest_charge = models.ForeignKey(
        "core.Charge",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
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
    # The trace of that confirmation, as W3C's `traceparent`, for the settlement to go on with.
    traceparent = models.TextField(null=True)

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


class SetupIntent(Identified):
    """A payment method to be kept for later, and the payer's consent to it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, related_name="+")
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, null=True, related_name="+"
    )
    method = models.ForeignKey(
        PaymentMethod, on_delete=models.PROTECT, db_index=False, null=True, related_name="+"
    )
    status = models.TextField()
    usage = models.TextField(default="off_session")
    client_secret = models.TextField()
    description = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    payment_method_types = models.JSONField()
    payment_method_options = models.JSONField(null=True)
    automatic_payment_methods = models.JSONField(null=True)
    return_url = models.TextField(null=True)
    last_setup_error = models.JSONField(null=True)
    cancellation_reason = models.TextField(null=True)

    class Meta:
        db_table = "core_setup_intent"
        indexes = [Index(fields=["account", "id"], name="core_setup_account_id")]

    @property
    def public_id(self) -> str:
        return encode_id("seti", self.id)


class BankAnswer(models.Model):
    """The simulated bank's memory. It belongs to the bank: settlement reads it only by asking."""

    reference = models.UUIDField(primary_key=True, editable=False)
    approved = models.BooleanField()
    code = models.TextField(null=True)
    decline_code = models.TextField(null=True)
    message = models.TextField(null=True)

    class Meta:
        db_table = "core_bank_answer"
