"""Who gets what happened, what is still to be sent, and how every attempt went.

The hot columns (lanes, live deliveries) are written by the statements in `dispatcher/sql/` only.
"""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Cast, Now

from outbox.identifiers import encode_id, moment_of


class EndpointStatus(models.TextChoices):
    ENABLED = "enabled"
    DISABLED = "disabled"


class OnDeadLetter(models.TextChoices):
    CONTINUE = "continue"
    STOP = "stop"


class DeliveryState(models.TextChoices):
    """`pending` and `sending` are live; the others are ends."""

    PENDING = "pending"
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    DEAD_LETTERED = "dead_lettered"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class ReplayState(models.TextChoices):
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


LIVE_STATES = (DeliveryState.PENDING, DeliveryState.SENDING)
FINISHED_STATES = tuple(state for state in DeliveryState if state not in LIVE_STATES)


class Endpoint(models.Model):
    """A merchant's URL, what it subscribed to and the secrets that sign what it gets. Deleted softly."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.TextField()
    url = models.TextField()
    description = models.TextField(null=True)
    metadata = models.JSONField(default=dict, db_default={})
    enabled_events = ArrayField(models.TextField())
    api_version = models.TextField()
    status = models.TextField(
        choices=EndpointStatus, default=EndpointStatus.ENABLED, db_default=EndpointStatus.ENABLED
    )
    status_reason = models.TextField(null=True)
    status_since = models.DateTimeField(db_default=Now())
    secret = models.TextField()  # encrypted
    previous_secret = models.TextField(null=True)  # encrypted; signs too until it expires
    previous_secret_expires_at = models.DateTimeField(null=True)
    # One delivery of each order key at a time, in the order of their events.
    ordered = models.BooleanField(default=False, db_default=False)
    # What a dead-lettered delivery does to those behind it: they go on, or their key stops.
    on_dead_letter = models.TextField(
        choices=OnDeadLetter, default=OnDeadLetter.CONTINUE, db_default=OnDeadLetter.CONTINUE
    )
    # Whether each request carries the context of its attempt's span, where the event is of a trace.
    send_traceparent = models.BooleanField(default=False, db_default=False)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["owner", "id"],
                condition=models.Q(deleted_at__isnull=True),
                name="dispatcher_endpoint_owner_id",
            )
        ]

    @property
    def public_id(self) -> str:
        return encode_id("we", self.id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)


class Lane(models.Model):
    """An endpoint's place in line: when it may be served next, and how much of it is out."""

    endpoint = models.OneToOneField(Endpoint, models.CASCADE, primary_key=True, related_name="lane")
    ready_at = models.DateTimeField()  # 'infinity' while nothing is permitted
    hold_until = models.DateTimeField()  # automatic deliveries wait until then; '-infinity' is no hold
    in_flight = models.IntegerField(db_default=0)  # exactly the number of leased deliveries
    max_in_flight = models.IntegerField()
    quantum = models.IntegerField()  # at most so many deliveries a claim
    # The token bucket: no rate is no limit.
    rate_limit = models.FloatField(null=True)  # deliveries a second
    burst = models.IntegerField(null=True)  # what the bucket holds
    tokens = models.FloatField(db_default=0.0)  # what it held at tokens_at
    tokens_at = models.DateTimeField(db_default=models.Value("-infinity", models.DateTimeField()))
    # The circuit: closed while circuit_openings is 0, open until circuit_until, then half-open.
    failure_streak = models.IntegerField(db_default=0)  # failed attempts since the last success
    circuit_openings = models.IntegerField(db_default=0)  # how often in a row it opened
    circuit_until = models.DateTimeField(db_default=models.Value("-infinity", models.DateTimeField()))
    # Auto-disable: the span of nothing but failures, and how much of it was warned of.
    failing_since = models.DateTimeField(null=True)
    warned_percent = models.SmallIntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["ready_at"],
                condition=models.Q(ready_at__lt=models.Value("infinity", models.DateTimeField())),
                name="dispatcher_lane_ready_at",
            )
        ]


class Delivery(models.Model):
    """Live work: one event on its way to one endpoint. Ended deliveries move to FinishedDelivery."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.TextField()
    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False, db_index=False)
    event_id = models.UUIDField()
    due_at = models.DateTimeField()  # the next attempt; the lease's end while leased
    claim_no = models.IntegerField(db_default=0)  # the fence: only grows
    lease_owner = models.UUIDField(null=True)  # the dispatcher process that holds the lease
    started_at = models.DateTimeField(null=True)
    attempt_id = models.UUIDField(null=True)  # minted by the claim
    attempts = models.IntegerField(db_default=0)  # begun so far
    resend_no = models.IntegerField(db_default=0)  # 0 is automatic, n the nth resend by hand
    # Only where the endpoint is ordered: the head of a key is due, those behind it are due at infinity.
    order_key = models.TextField(null=True)
    sequence = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event_id", "resend_no"], name="dispatcher_delivery_once"
            )
        ]
        indexes = [
            models.Index(fields=["owner", "event_id", "id"], name="dispatcher_delivery_owner"),
            models.Index(
                fields=["endpoint", "due_at", "id"],
                condition=models.Q(lease_owner__isnull=True, resend_no=0),
                name="dispatcher_delivery_waiting",
            ),
            models.Index(
                fields=["endpoint", "due_at"],
                condition=models.Q(lease_owner__isnull=True, resend_no__gt=0),
                name="dispatcher_delivery_by_hand",
            ),
            models.Index(
                fields=["endpoint", "due_at"],
                condition=models.Q(lease_owner__isnull=False),
                name="dispatcher_delivery_leased",
            ),
            # By the endpoint as text, so that no other index on endpoints competes with it.
            models.Index(
                Cast("endpoint_id", models.TextField()),
                models.F("order_key"),
                models.F("sequence"),
                condition=models.Q(order_key__isnull=False),
                name="dispatcher_delivery_head",
            ),
        ]


class StoppedKey(models.Model):
    """An order key of an endpoint that stands still since a delivery of it was dead-lettered."""

    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False, db_index=False)
    order_key = models.TextField()
    since = models.DateTimeField(db_default=Now())
    delivery_id = models.UUIDField()  # the one that was dead-lettered

    class Meta:
        db_table = "dispatcher_stopped_key"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "order_key"], name="dispatcher_stopped_key_once")
        ]


class FinishedDelivery(models.Model):
    """How a delivery ended. Inserted once, in the transaction that removes it from the live work."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.TextField()
    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False, db_index=False)
    event_id = models.UUIDField()
    state = models.TextField(choices=DeliveryState)
    reason = models.TextField(null=True)
    attempts = models.IntegerField()
    resend_no = models.IntegerField()
    finished_at = models.DateTimeField()

    class Meta:
        db_table = "dispatcher_finished_delivery"
        indexes = [
            models.Index(fields=["owner", "state", "event_id", "id"], name="dispatcher_finished_owner"),
            models.Index(fields=["endpoint", "state", "event_id", "id"], name="dispatcher_finished_endpoint"),
            # For lists over all owners: the few that did not succeed.
            models.Index(
                fields=["state", "id"],
                condition=~models.Q(state="succeeded"),
                name="dispatcher_finished_state",
            ),
        ]


class Attempt(models.Model):
    """One HTTP try of a delivery. `unknown` where its dispatcher vanished; a late result completes it."""

    id = models.UUIDField(primary_key=True, editable=False)
    delivery_id = models.UUIDField()
    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False, db_index=False)
    event_id = models.UUIDField()
    number = models.IntegerField()  # from 1
    claim_no = models.IntegerField()
    started_at = models.DateTimeField()
    outcome = models.TextField()  # succeeded, failed, unknown
    failure_code = models.TextField(null=True)
    detail = models.TextField(null=True)
    status = models.IntegerField(null=True)
    peer_ip = models.TextField(null=True)
    dns_ms = models.FloatField(null=True)
    connect_ms = models.FloatField(null=True)
    tls_ms = models.FloatField(null=True)
    first_byte_ms = models.FloatField(null=True)
    total_ms = models.FloatField(null=True)
    response = models.BinaryField(null=True)  # raw head and body, at most 16 KiB
    truncated = models.BooleanField(default=False)
    superseded = models.BooleanField(default=False)  # the claim it belonged to no longer stood

    class Meta:
        indexes = [
            models.Index(fields=["delivery_id", "number"], name="dispatcher_attempt_delivery"),
            models.Index(
                fields=["failure_code", "id"],
                condition=models.Q(failure_code__isnull=False),
                name="dispatcher_attempt_failure",
            ),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("att", self.id)


class DeliveryRecord(models.Model):
    """A delivery to read, live or finished: the view that unites both tables."""

    id = models.UUIDField(primary_key=True)
    owner = models.TextField()
    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False)
    event_id = models.UUIDField()
    state = models.TextField(choices=DeliveryState)
    reason = models.TextField(null=True)
    attempts = models.IntegerField()
    resend_no = models.IntegerField()
    next_attempt_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "dispatcher_delivery_record"

    @property
    def public_id(self) -> str:
        return encode_id("dlv", self.id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)

    @property
    def manual(self) -> bool:
        return self.resend_no > 0


class Pause(models.Model):
    """Present while all deliveries are paused. Fan-out goes on; nothing is claimed."""

    id = models.BooleanField(primary_key=True, default=True)
    since = models.DateTimeField(db_default=Now())
    reason = models.TextField(default="", db_default="")


class Rollup(models.Model):
    """How many attempts and ends a span of time saw: of an endpoint, of an owner, or of all. What charts read.

    Written by `dispatcher/tallies.py` only; the bounds of the histograms are there too.
    """

    # An endpoint's id; of an owner the MD5 of its name, of all the nil UUID.
    subject = models.UUIDField()
    seconds = models.IntegerField()  # of the span: 60 or 3600
    begins_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("subject", "seconds", "begins_at")
    scope = models.TextField()  # endpoint, owner, all
    succeeded = models.IntegerField()  # attempts that began in the span
    failed = models.IntegerField()
    delivered = models.IntegerField()  # deliveries that ended in it, by state
    dead_lettered = models.IntegerField()
    cancelled = models.IntegerField()
    skipped = models.IntegerField()
    codes = models.JSONField()  # failed attempts by failure code
    total_ms = models.FloatField()  # of all its attempts
    durations = ArrayField(models.IntegerField())  # attempts by how long they took
    waits = ArrayField(models.IntegerField())  # first attempts by how long after their event

    class Meta:
        db_table = "dispatcher_rollup"
        indexes = [
            models.Index(fields=["scope", "seconds", "begins_at", "failed"], name="dispatcher_rollup_failed")
        ]


class Process(models.Model):
    """A dispatcher or worker process, as it last told of itself. `dispatcher/processes.py` reads it."""

    id = models.UUIDField(primary_key=True, editable=False)  # the lease owner
    kind = models.TextField()  # dispatcher, worker
    host = models.TextField()
    pid = models.IntegerField()
    version = models.TextField()
    executor = models.TextField()
    concurrency = models.IntegerField()
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    in_flight = models.IntegerField(db_default=0)  # sends under way
    leases = models.IntegerField(db_default=0)  # claims that it holds, those in flight included
    stopping = models.BooleanField(default=False, db_default=False)  # it was asked to
    stopped_at = models.DateTimeField(null=True)  # it ended as it should
    last_error = models.TextField(null=True)
    last_error_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "dispatcher_process"
        indexes = [models.Index(fields=["seen_at"], name="dispatcher_process_seen_at")]


class Replay(models.Model):
    """A replay of what an endpoint failed to take, or was never sent; dispatchers carry it forward."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.TextField()
    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.TextField()  # failed, missing
    since = models.DateTimeField()
    until = models.DateTimeField()
    rate = models.FloatField()  # deliveries a second
    counted = models.IntegerField(null=True)  # what was found before it began
    counted_more = models.BooleanField(default=False, db_default=False)
    made = models.IntegerField(default=0, db_default=0)
    cursor = models.UUIDField(null=True)  # the last event that was looked at
    state = models.TextField(choices=ReplayState)
    reason = models.TextField(null=True)
    created_by = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    first_due_at = models.DateTimeField(null=True)
    last_due_at = models.DateTimeField(null=True)
    next_step_at = models.DateTimeField(null=True)  # while it is running
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "dispatcher_replay"
        indexes = [
            models.Index(
                fields=["next_step_at"], condition=models.Q(state="running"), name="dispatcher_replay_running"
            ),
            models.Index(fields=["owner", "id"], name="dispatcher_replay_owner"),
            models.Index(fields=["endpoint", "id"], name="dispatcher_replay_endpoint"),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("rpl", self.id)
