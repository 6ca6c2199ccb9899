"""What the edge remembers: answers under idempotency keys, every request, the CLIs that listen, changes made by hand.

The first two are written by the statements in `api/sql/` only.
"""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from outbox.identifiers import encode_id, moment_of


class IdempotencyKey(models.Model):
    """A write begun under a key, and its answer once it has one.

    The row's id names the operation, the same for every retry; the bank knows it as the reference. There is no foreign
    key to the account: accounts are never deleted, and its check would cost every write a lookup and a lock.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    account_id = models.UUIDField()
    key = models.TextField()
    endpoint = models.TextField()  # `POST /v1/customers`
    fingerprint = models.BinaryField()  # SHA-256 of the parameters
    request_id = models.TextField()  # the request that began it or took it up last
    lease_until = models.DateTimeField()  # an unfinished write is that request's alone until then
    status = models.SmallIntegerField(null=True)  # null until it has an answer
    body = models.BinaryField(null=True)  # byte for byte
    sealed = models.BooleanField(default=False, db_default=False)  # the body holds a secret, encrypted

    class Meta:
        db_table = "api_idempotency_key"
        constraints = [models.UniqueConstraint(fields=["account_id", "key"], name="api_idempotency_key_once")]


class RequestLog(models.Model):
    """One request as it was answered. Insert-only, partitioned by its UUIDv7 key.

    A crash of PostgreSQL may lose the last fraction of a second of it: its commits are not flushed.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    method = models.TextField()
    path = models.TextField()  # without its query
    status = models.SmallIntegerField()
    milliseconds = models.FloatField()
    api_version = models.TextField()
    asked_version = models.TextField(null=True)  # where the answer was given in another one
    account_id = models.UUIDField(null=True)
    key_id = models.UUIDField(null=True)
    idempotency_key = models.TextField(null=True)
    error_code = models.TextField(null=True)
    parameters = models.TextField(null=True)  # JSON, secrets redacted, capped

    class Meta:
        db_table = "api_request_log"
        indexes = [models.Index(fields=["account_id", "id"], name="api_request_log_account_id")]

    @property
    def public_id(self) -> str:
        return encode_id("req", self.id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)


class RateBucket(models.Model):
    """How much somebody has used of a rate (api/rate_limit.py). Not logged: a crash of PostgreSQL empties the table."""

    subject = models.TextField(primary_key=True)  # what is counted, and whose it is: `account:…`
    full_at = models.DateTimeField()  # when all its tokens are back; from then on the row says nothing

    class Meta:
        db_table = "api_rate_bucket"


class CliFeature(models.TextChoices):
    """What a session of the Stripe CLI hears of."""

    WEBHOOKS = "webhooks"
    REQUEST_LOGS = "request_logs"


class CliSecret(models.Model):
    """What signs the events that an account's CLIs are sent."""

    account_id = models.UUIDField(primary_key=True)
    sealed_secret = models.TextField()

    class Meta:
        db_table = "api_cli_secret"


class CliSession(models.Model):
    """A Stripe CLI that listens to an account's events, or to its request log."""

    id = models.UUIDField(primary_key=True, editable=False)
    token_hash = models.BinaryField(unique=True)
    account_id = models.UUIDField()
    owner = models.TextField()  # the account's public id
    key_id = models.UUIDField()  # revoked, it ends the session
    feature = models.TextField(choices=CliFeature.choices)
    filters = models.JSONField(default=dict)  # of request logs
    api_version = models.TextField()  # in which it is sent events
    device_name = models.TextField(null=True)
    forward_url = models.TextField(null=True)
    cursor = models.UUIDField()  # everything up to here has been looked at
    connection = models.UUIDField(null=True)  # the one that is served, null while nobody is connected
    seen_at = models.DateTimeField(null=True)  # the latest sign of life
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "api_cli_session"
        indexes = [
            models.Index(fields=["account_id", "expires_at"], name="api_cli_session_account"),
            models.Index(fields=["expires_at"], name="api_cli_session_expires"),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("clis", self.id)


class CliMessage(models.Model):
    """An event, or a line of the request log, for one session; and what came of it.

    Pushed on each connection of the session until the CLI acknowledges it. No retries follow from the answer: a CLI
    is no endpoint.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    session_id = models.UUIDField()
    subject_id = models.UUIDField()  # the event, or the request
    manual = models.BooleanField(default=False, db_default=False)  # asked for by `events resend`
    connection = models.UUIDField(null=True)  # the one that it was pushed on last
    pushes = models.SmallIntegerField(default=0, db_default=0)
    pushed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    # What the developer's program answered, where the CLI forwards.
    answered_at = models.DateTimeField(null=True)
    status = models.SmallIntegerField(null=True)
    body = models.TextField(null=True)
    headers = models.JSONField(null=True)
    forward_url = models.TextField(null=True)

    class Meta:
        db_table = "api_cli_message"
        constraints = [
            models.UniqueConstraint(
                fields=["session_id", "subject_id"],
                condition=models.Q(manual=False),
                name="api_cli_message_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["session_id", "subject_id"],
                condition=models.Q(acknowledged_at__isnull=True),
                name="api_cli_message_open",
            )
        ]


class AuditEntry(models.Model):
    """What somebody changed by hand, and how it was before. Insert-only, partitioned by its UUIDv7 key."""

    id = models.UUIDField(primary_key=True, editable=False)
    actor = models.TextField()  # a user's name; behind `cli:` a terminal's, behind `portal:` an account
    role = models.TextField(null=True)
    action = models.TextField()  # `endpoint.disabled`
    subject = models.TextField()  # a public id, or a word where there is none
    account = models.TextField(null=True)  # the public id of the account that it concerns
    before = models.JSONField(null=True)  # what was changed, without secrets
    after = models.JSONField(null=True)
    network = models.TextField(null=True)  # an IPv4 address, or the /64 of an IPv6 address

    class Meta:
        db_table = "api_audit_entry"
        indexes = [
            models.Index(fields=["actor", "id"], name="api_audit_entry_actor"),
            models.Index(fields=["action", "id"], name="api_audit_entry_action"),
            models.Index(fields=["subject", "id"], name="api_audit_entry_subject"),
            models.Index(fields=["account", "id"], name="api_audit_entry_account"),
        ]

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)


class UsedConfirmation(models.Model):
    """A form that was sent: what it asked for is done once, however often it comes (api/pages/confirmations.py)."""

    id = models.UUIDField(primary_key=True, editable=False)

    class Meta:
        db_table = "api_used_confirmation"


class EntryLink(models.Model):
    """A link by which somebody enters the operations pages once, for whom no password is known yet."""

    id = models.UUIDField(primary_key=True, editable=False)
    token_hash = models.BinaryField(unique=True)
    user_id = models.IntegerField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_entry_link"


class PortalSession(models.Model):
    """A link that opens one account's pages for a while. Its path holds the token; here is the hash of it."""

    id = models.UUIDField(primary_key=True, editable=False)
    token_hash = models.BinaryField(unique=True)
    account_id = models.UUIDField()
    owner = models.TextField()  # the account's public id
    key_id = models.UUIDField()  # revoked, it ends the session
    api_version = models.TextField()
    allowed_origins = ArrayField(models.TextField())  # that may show it in a frame
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_portal_session"
        indexes = [models.Index(fields=["expires_at"], name="api_portal_session_expires")]

    @property
    def public_id(self) -> str:
        return encode_id("ps", self.id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)
