"""What protects an endpoint (rate, circuit, auto-disable) and what orders its deliveries."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.models.functions import Cast

# One ALTER each: constant defaults rewrite nothing. Lanes keep half of each page free, so that the counters
# below, which no index holds, are updated in place.
ADD_LIMITS = """
ALTER TABLE dispatcher_lane
    ADD COLUMN rate_limit double precision CHECK (rate_limit > 0),
    ADD COLUMN burst integer CHECK (burst > 0),
    ADD COLUMN tokens double precision NOT NULL DEFAULT 0,
    ADD COLUMN tokens_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN failure_streak integer NOT NULL DEFAULT 0,
    ADD COLUMN circuit_openings integer NOT NULL DEFAULT 0,
    ADD COLUMN circuit_until timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN warned_percent smallint NOT NULL DEFAULT 0
"""

DROP_LIMITS = """
ALTER TABLE dispatcher_lane
    DROP COLUMN rate_limit, DROP COLUMN burst, DROP COLUMN tokens, DROP COLUMN tokens_at,
    DROP COLUMN failure_streak, DROP COLUMN circuit_openings, DROP COLUMN circuit_until,
    DROP COLUMN failing_since, DROP COLUMN warned_percent
"""

# Partial: an endpoint without ordering pays nothing for it. By the endpoint as text, so that nothing competes with
# it: by (endpoint_id, order_key, sequence) PostgreSQL may take the unique index on (endpoint, event, resend_no)
# instead and sort, where its statistics come from a moment at which the table was empty. Then each head costs the
# endpoint's whole backlog.
# Quick to build: dispatcher_delivery_head (it holds no row yet, and the table only what is under way)
ADD_ORDER = """
ALTER TABLE dispatcher_delivery ADD COLUMN order_key text, ADD COLUMN sequence bigint;
CREATE INDEX dispatcher_delivery_head ON dispatcher_delivery ((endpoint_id::text), order_key, sequence)
    WHERE order_key IS NOT NULL
"""


def lane(name: str, field: "models.Field[Any, Any]") -> migrations.AddField:
    return migrations.AddField("Lane", name, field)


def minus_infinity() -> "models.DateTimeField[Any, Any]":
    return models.DateTimeField(db_default=models.Value("-infinity", models.DateTimeField()))


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0001_initial"), ("outbox", "0003_order")]

    operations = [
        migrations.RunSQL(
            ADD_LIMITS,
            DROP_LIMITS,
            state_operations=[
                lane("rate_limit", models.FloatField(null=True)),
                lane("burst", models.IntegerField(null=True)),
                lane("tokens", models.FloatField(db_default=0.0)),
                lane("tokens_at", minus_infinity()),
                lane("failure_streak", models.IntegerField(db_default=0)),
                lane("circuit_openings", models.IntegerField(db_default=0)),
                lane("circuit_until", minus_infinity()),
                lane("failing_since", models.DateTimeField(null=True)),
                lane("warned_percent", models.SmallIntegerField(db_default=0)),
            ],
        ),
        migrations.AddField("Endpoint", "ordered", models.BooleanField(default=False, db_default=False)),
        migrations.AddField(
            "Endpoint",
            "on_dead_letter",
            models.TextField(
                choices=[("continue", "Continue"), ("stop", "Stop")],
                default="continue",
                db_default="continue",
            ),
        ),
        migrations.RunSQL(
            ADD_ORDER,
            "ALTER TABLE dispatcher_delivery DROP COLUMN order_key, DROP COLUMN sequence",
            state_operations=[
                migrations.AddField("Delivery", "order_key", models.TextField(null=True)),
                migrations.AddField("Delivery", "sequence", models.BigIntegerField(null=True)),
                migrations.AddIndex(
                    "Delivery",
                    models.Index(
                        Cast("endpoint_id", models.TextField()),
                        models.F("order_key"),
                        models.F("sequence"),
                        condition=models.Q(("order_key__isnull", False)),
                        name="dispatcher_delivery_head",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StoppedKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order_key", models.TextField()),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("delivery_id", models.UUIDField()),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="dispatcher.endpoint",
                    ),
                ),
            ],
            options={
                "db_table": "dispatcher_stopped_key",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("endpoint", "order_key"), name="dispatcher_stopped_key_once"
                    )
                ],
            },
        ),
    ]
