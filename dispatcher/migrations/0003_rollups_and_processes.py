"""What charts read instead of history, and which processes there are."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

# A span's row is updated every few seconds while it lasts: a part of each page is kept free, so that what no index
# holds is updated in place.
CREATE_ROLLUP = """
CREATE TABLE dispatcher_rollup (
    subject uuid NOT NULL,
    seconds integer NOT NULL CHECK (seconds IN (60, 3600)),
    begins_at timestamptz NOT NULL,
    scope text NOT NULL CHECK (scope IN ('endpoint', 'owner', 'all')),
    succeeded integer NOT NULL,
    failed integer NOT NULL,
    delivered integer NOT NULL,
    dead_lettered integer NOT NULL,
    cancelled integer NOT NULL,
    skipped integer NOT NULL,
    codes jsonb NOT NULL,
    total_ms double precision NOT NULL,
    durations integer[] NOT NULL,
    waits integer[] NOT NULL,
    PRIMARY KEY (subject, seconds, begins_at)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX dispatcher_rollup_failed ON dispatcher_rollup (scope, seconds, begins_at, failed)
"""


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0002_limits_and_order")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE_ROLLUP, "DROP TABLE dispatcher_rollup")],
            state_operations=[
                migrations.CreateModel(
                    name="Rollup",
                    fields=[
                        ("subject", models.UUIDField()),
                        ("seconds", models.IntegerField()),
                        ("begins_at", models.DateTimeField()),
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "subject",
                                "seconds",
                                "begins_at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("scope", models.TextField()),
                        ("succeeded", models.IntegerField()),
                        ("failed", models.IntegerField()),
                        ("delivered", models.IntegerField()),
                        ("dead_lettered", models.IntegerField()),
                        ("cancelled", models.IntegerField()),
                        ("skipped", models.IntegerField()),
                        ("codes", models.JSONField()),
                        ("total_ms", models.FloatField()),
                        (
                            "durations",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(), size=None
                            ),
                        ),
                        (
                            "waits",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(), size=None
                            ),
                        ),
                    ],
                    options={
                        "db_table": "dispatcher_rollup",
                        "indexes": [
                            models.Index(
                                fields=["scope", "seconds", "begins_at", "failed"],
                                name="dispatcher_rollup_failed",
                            )
                        ],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Process",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("version", models.TextField()),
                ("executor", models.TextField()),
                ("concurrency", models.IntegerField()),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("in_flight", models.IntegerField(db_default=0)),
                ("leases", models.IntegerField(db_default=0)),
                ("stopped_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(null=True)),
                ("last_error_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "dispatcher_process",
                "indexes": [models.Index(fields=["seen_at"], name="dispatcher_process_seen_at")],
            },
        ),
    ]
