"""Endpoints, lanes, deliveries and attempts.

The tables that claims work on are SQL: partial indexes, storage settings and partitions are their design
(docs/architecture.md), and Django can declare only a part of it. The state tells Django of the models.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

CREATE_LANE = """
CREATE TABLE dispatcher_lane (
    endpoint_id uuid PRIMARY KEY REFERENCES dispatcher_endpoint (id) ON DELETE CASCADE,
    ready_at timestamptz NOT NULL DEFAULT 'infinity',
    hold_until timestamptz NOT NULL DEFAULT '-infinity',
    in_flight integer NOT NULL DEFAULT 0 CHECK (in_flight >= 0),
    max_in_flight integer NOT NULL CHECK (max_in_flight > 0),
    quantum integer NOT NULL CHECK (quantum > 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX dispatcher_lane_ready_at ON dispatcher_lane (ready_at) WHERE ready_at < 'infinity'
"""

# A claim moves a row from the waiting index to the leased one, so the pair costs what one index would. No
# foreign keys: endpoints are never removed, and a check for each row would lock the same endpoint row.
CREATE_DELIVERY = """
CREATE TABLE dispatcher_delivery (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    claim_no integer NOT NULL DEFAULT 0,
    lease_owner uuid,
    started_at timestamptz,
    attempt_id uuid,
    attempts integer NOT NULL DEFAULT 0,
    resend_no integer NOT NULL DEFAULT 0,
    CONSTRAINT dispatcher_delivery_once UNIQUE (endpoint_id, event_id, resend_no)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX dispatcher_delivery_owner ON dispatcher_delivery (owner, event_id, id);
CREATE INDEX dispatcher_delivery_waiting ON dispatcher_delivery (endpoint_id, due_at, id)
    WHERE lease_owner IS NULL AND resend_no = 0;
CREATE INDEX dispatcher_delivery_by_hand ON dispatcher_delivery (endpoint_id, due_at)
    WHERE lease_owner IS NULL AND resend_no > 0;
CREATE INDEX dispatcher_delivery_leased ON dispatcher_delivery (endpoint_id, due_at)
    WHERE lease_owner IS NOT NULL
"""

CREATE_FINISHED_DELIVERY = """
CREATE TABLE dispatcher_finished_delivery (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('succeeded', 'dead_lettered', 'cancelled', 'skipped')),
    reason text,
    attempts integer NOT NULL,
    resend_no integer NOT NULL,
    finished_at timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX dispatcher_finished_owner ON dispatcher_finished_delivery (owner, state, event_id, id);
CREATE INDEX dispatcher_finished_endpoint ON dispatcher_finished_delivery (endpoint_id, state, event_id, id);
CREATE TABLE dispatcher_finished_delivery_default PARTITION OF dispatcher_finished_delivery DEFAULT
"""

CREATE_ATTEMPT = """
CREATE TABLE dispatcher_attempt (
    id uuid PRIMARY KEY,
    delivery_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number integer NOT NULL,
    claim_no integer NOT NULL,
    started_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'unknown')),
    failure_code text,
    detail text,
    status integer,
    peer_ip text,
    dns_ms real,
    connect_ms real,
    tls_ms real,
    first_byte_ms real,
    total_ms real,
    response bytea,
    truncated boolean NOT NULL DEFAULT false,
    superseded boolean NOT NULL DEFAULT false
) PARTITION BY RANGE (id);
CREATE INDEX dispatcher_attempt_delivery ON dispatcher_attempt (delivery_id, number);
CREATE TABLE dispatcher_attempt_default PARTITION OF dispatcher_attempt DEFAULT
"""

CREATE_DELIVERY_RECORD = """
CREATE VIEW dispatcher_delivery_record AS
SELECT id, owner, endpoint_id, event_id,
       CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state,
       NULL::text AS reason, attempts, resend_no,
       CASE WHEN lease_owner IS NULL THEN due_at END AS next_attempt_at,
       NULL::timestamptz AS finished_at
FROM dispatcher_delivery
UNION ALL
SELECT id, owner, endpoint_id, event_id, state, reason, attempts, resend_no,
       NULL::timestamptz, finished_at
FROM dispatcher_finished_delivery
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("outbox", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("owner", models.TextField()),
                ("url", models.TextField()),
                ("description", models.TextField(null=True)),
                ("metadata", models.JSONField(db_default={}, default=dict)),
                (
                    "enabled_events",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                ("api_version", models.TextField()),
                (
                    "status",
                    models.TextField(
                        choices=[("enabled", "Enabled"), ("disabled", "Disabled")],
                        db_default="enabled",
                        default="enabled",
                    ),
                ),
                ("status_reason", models.TextField(null=True)),
                ("status_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("secret", models.TextField()),
                ("previous_secret", models.TextField(null=True)),
                ("previous_secret_expires_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("id", models.BooleanField(default=True, primary_key=True, serialize=False)),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("reason", models.TextField(db_default="", default="")),
            ],
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=["owner", "id"],
                name="dispatcher_endpoint_owner_id",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(CREATE_LANE, "DROP TABLE dispatcher_lane"),
                migrations.RunSQL(CREATE_DELIVERY, "DROP TABLE dispatcher_delivery"),
                migrations.RunSQL(CREATE_FINISHED_DELIVERY, "DROP TABLE dispatcher_finished_delivery"),
                migrations.RunSQL(CREATE_ATTEMPT, "DROP TABLE dispatcher_attempt"),
                migrations.RunSQL(CREATE_DELIVERY_RECORD, "DROP VIEW dispatcher_delivery_record"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Attempt",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("delivery_id", models.UUIDField()),
                        ("event_id", models.UUIDField()),
                        ("number", models.IntegerField()),
                        ("claim_no", models.IntegerField()),
                        ("started_at", models.DateTimeField()),
                        ("outcome", models.TextField()),
                        ("failure_code", models.TextField(null=True)),
                        ("detail", models.TextField(null=True)),
                        ("status", models.IntegerField(null=True)),
                        ("peer_ip", models.TextField(null=True)),
                        ("dns_ms", models.FloatField(null=True)),
                        ("connect_ms", models.FloatField(null=True)),
                        ("tls_ms", models.FloatField(null=True)),
                        ("first_byte_ms", models.FloatField(null=True)),
                        ("total_ms", models.FloatField(null=True)),
                        ("response", models.BinaryField(null=True)),
                        ("truncated", models.BooleanField(default=False)),
                        ("superseded", models.BooleanField(default=False)),
                    ],
                ),
                migrations.CreateModel(
                    name="Delivery",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("owner", models.TextField()),
                        ("event_id", models.UUIDField()),
                        ("due_at", models.DateTimeField()),
                        ("claim_no", models.IntegerField(db_default=0)),
                        ("lease_owner", models.UUIDField(null=True)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("attempt_id", models.UUIDField(null=True)),
                        ("attempts", models.IntegerField(db_default=0)),
                        ("resend_no", models.IntegerField(db_default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="FinishedDelivery",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("owner", models.TextField()),
                        ("event_id", models.UUIDField()),
                        (
                            "state",
                            models.TextField(
                                choices=[
                                    ("pending", "Pending"),
                                    ("sending", "Sending"),
                                    ("succeeded", "Succeeded"),
                                    ("dead_lettered", "Dead Lettered"),
                                    ("cancelled", "Cancelled"),
                                    ("skipped", "Skipped"),
                                ]
                            ),
                        ),
                        ("reason", models.TextField(null=True)),
                        ("attempts", models.IntegerField()),
                        ("resend_no", models.IntegerField()),
                        ("finished_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "dispatcher_finished_delivery",
                    },
                ),
                migrations.CreateModel(
                    name="Lane",
                    fields=[
                        (
                            "endpoint",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="lane",
                                serialize=False,
                                to="dispatcher.endpoint",
                            ),
                        ),
                        ("ready_at", models.DateTimeField()),
                        ("hold_until", models.DateTimeField()),
                        ("in_flight", models.IntegerField(db_default=0)),
                        ("max_in_flight", models.IntegerField()),
                        ("quantum", models.IntegerField()),
                    ],
                ),
                migrations.AddField(
                    model_name="delivery",
                    name="endpoint",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="dispatcher.endpoint",
                    ),
                ),
                migrations.AddField(
                    model_name="attempt",
                    name="endpoint",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="dispatcher.endpoint",
                    ),
                ),
                migrations.AddField(
                    model_name="finisheddelivery",
                    name="endpoint",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="dispatcher.endpoint",
                    ),
                ),
                migrations.AddIndex(
                    model_name="lane",
                    index=models.Index(
                        condition=models.Q(
                            ("ready_at__lt", models.Value("infinity", models.DateTimeField()))
                        ),
                        fields=["ready_at"],
                        name="dispatcher_lane_ready_at",
                    ),
                ),
                migrations.AddIndex(
                    model_name="delivery",
                    index=models.Index(fields=["owner", "event_id", "id"], name="dispatcher_delivery_owner"),
                ),
                migrations.AddIndex(
                    model_name="delivery",
                    index=models.Index(
                        condition=models.Q(("lease_owner__isnull", True), ("resend_no", 0)),
                        fields=["endpoint", "due_at", "id"],
                        name="dispatcher_delivery_waiting",
                    ),
                ),
                migrations.AddIndex(
                    model_name="delivery",
                    index=models.Index(
                        condition=models.Q(("lease_owner__isnull", True), ("resend_no__gt", 0)),
                        fields=["endpoint", "due_at"],
                        name="dispatcher_delivery_by_hand",
                    ),
                ),
                migrations.AddIndex(
                    model_name="delivery",
                    index=models.Index(
                        condition=models.Q(("lease_owner__isnull", False)),
                        fields=["endpoint", "due_at"],
                        name="dispatcher_delivery_leased",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="delivery",
                    constraint=models.UniqueConstraint(
                        fields=("endpoint", "event_id", "resend_no"), name="dispatcher_delivery_once"
                    ),
                ),
                migrations.AddIndex(
                    model_name="attempt",
                    index=models.Index(fields=["delivery_id", "number"], name="dispatcher_attempt_delivery"),
                ),
                migrations.AddIndex(
                    model_name="finisheddelivery",
                    index=models.Index(
                        fields=["owner", "state", "event_id", "id"], name="dispatcher_finished_owner"
                    ),
                ),
                migrations.AddIndex(
                    model_name="finisheddelivery",
                    index=models.Index(
                        fields=["endpoint", "state", "event_id", "id"], name="dispatcher_finished_endpoint"
                    ),
                ),
                migrations.CreateModel(
                    name="DeliveryRecord",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("owner", models.TextField()),
                        ("event_id", models.UUIDField()),
                        (
                            "state",
                            models.TextField(
                                choices=[
                                    ("pending", "Pending"),
                                    ("sending", "Sending"),
                                    ("succeeded", "Succeeded"),
                                    ("dead_lettered", "Dead Lettered"),
                                    ("cancelled", "Cancelled"),
                                    ("skipped", "Skipped"),
                                ]
                            ),
                        ),
                        ("reason", models.TextField(null=True)),
                        ("attempts", models.IntegerField()),
                        ("resend_no", models.IntegerField()),
                        ("next_attempt_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "db_table": "dispatcher_delivery_record",
                        "managed": False,
                    },
                ),
            ],
        ),
    ]
