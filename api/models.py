"""What the edge remembers: answers under idempotency keys, and every request.

Both tables are written by the statements in `api/sql/` only.
"""

from datetime import datetime

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
