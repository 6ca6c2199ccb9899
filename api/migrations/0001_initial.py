"""Idempotency keys, and the request log, partitioned by its UUIDv7 key.

Django cannot declare partitions, so that table is SQL and the state tells Django of the model.
Every row finds the default partition until maintenance makes partitions by day ahead of time.
"""

from django.db import migrations, models

CREATE_REQUEST_LOG = """
CREATE TABLE api_request_log (
    id uuid PRIMARY KEY,
    method text NOT NULL,
    path text NOT NULL,
    status smallint NOT NULL,
    milliseconds double precision NOT NULL,
    api_version text NOT NULL,
    account_id uuid,
    key_id uuid,
    idempotency_key text,
    error_code text,
    parameters text
) PARTITION BY RANGE (id);
CREATE INDEX api_request_log_account_id ON api_request_log (account_id, id);
CREATE TABLE api_request_log_default PARTITION OF api_request_log DEFAULT
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField()),
                ("key", models.TextField()),
                ("endpoint", models.TextField()),
                ("fingerprint", models.BinaryField()),
                ("request_id", models.TextField()),
                ("lease_until", models.DateTimeField()),
                ("status", models.SmallIntegerField(null=True)),
                ("body", models.BinaryField(null=True)),
                ("sealed", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "db_table": "api_idempotency_key",
                "constraints": [
                    models.UniqueConstraint(fields=("account_id", "key"), name="api_idempotency_key_once")
                ],
            },
        ),
        migrations.RunSQL(
            CREATE_REQUEST_LOG,
            "DROP TABLE api_request_log",
            state_operations=[
                migrations.CreateModel(
                    name="RequestLog",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("method", models.TextField()),
                        ("path", models.TextField()),
                        ("status", models.SmallIntegerField()),
                        ("milliseconds", models.FloatField()),
                        ("api_version", models.TextField()),
                        ("account_id", models.UUIDField(null=True)),
                        ("key_id", models.UUIDField(null=True)),
                        ("idempotency_key", models.TextField(null=True)),
                        ("error_code", models.TextField(null=True)),
                        ("parameters", models.TextField(null=True)),
                    ],
                    options={
                        "db_table": "api_request_log",
                        "indexes": [
                            models.Index(fields=["account_id", "id"], name="api_request_log_account_id")
                        ],
                    },
                )
            ],
        ),
    ]
