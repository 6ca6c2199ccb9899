"""Who pays and who is paid: accounts, their keys, their customers."""

from datetime import datetime

from django.db import models
from django.db.models import Index

from core.key_scopes import KeyKind
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
