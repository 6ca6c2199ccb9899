"""Events, partitioned by their UUIDv7 key, and the pointers to those not yet fanned out.

Django cannot declare partitions, so the tables are SQL and the state tells Django of the models.
Every row finds the default partition until maintenance makes partitions by day ahead of time.
"""

from django.db import migrations, models

CREATE_UUID7 = """
CREATE FUNCTION outbox_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    -- RFC 9562: 48 bits of Unix milliseconds, version 7, and 74 random bits taken from a version 4 UUID.
    SELECT (lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
            || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$
"""

CREATE_EVENT = """
CREATE TABLE outbox_event (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    type text NOT NULL,
    object_id text NOT NULL,
    data text NOT NULL,
    request_id text,
    idempotency_key text
) PARTITION BY RANGE (id);
CREATE INDEX outbox_event_owner_id ON outbox_event (owner, id);
CREATE INDEX outbox_event_owner_type ON outbox_event (owner, type, id);
CREATE TABLE outbox_event_default PARTITION OF outbox_event DEFAULT
"""

# Rows live for milliseconds: vacuum as soon as a few hundred are dead, or every fan-out reads past them.
CREATE_PENDING = """
CREATE TABLE outbox_pending (event_id uuid PRIMARY KEY)
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
      autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0)
"""


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.RunSQL(CREATE_UUID7, "DROP FUNCTION outbox_uuid7()"),
        migrations.RunSQL(
            CREATE_EVENT,
            "DROP TABLE outbox_event",
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("owner", models.TextField()),
                        ("type", models.TextField()),
                        ("object_id", models.TextField()),
                        ("data", models.TextField()),
                        ("request_id", models.TextField(null=True)),
                        ("idempotency_key", models.TextField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["owner", "id"], name="outbox_event_owner_id"),
                            models.Index(fields=["owner", "type", "id"], name="outbox_event_owner_type"),
                        ]
                    },
                )
            ],
        ),
        migrations.RunSQL(
            CREATE_PENDING,
            "DROP TABLE outbox_pending",
            state_operations=[
                migrations.CreateModel(
                    name="PendingEvent",
                    fields=[
                        ("event_id", models.UUIDField(editable=False, primary_key=True, serialize=False))
                    ],
                    options={"db_table": "outbox_pending"},
                )
            ],
        ),
    ]
