"""Buckets of rate limits, in a table that is not logged: Django cannot declare one."""

from django.db import migrations, models

# Half of each page stays free, so that a bucket is updated in its place.
CREATE_RATE_BUCKET = """
CREATE UNLOGGED TABLE api_rate_bucket (
    subject text PRIMARY KEY,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""


class Migration(migrations.Migration):
    dependencies = [("api", "0003_cli_sessions")]

    operations = [
        migrations.RunSQL(
            CREATE_RATE_BUCKET,
            "DROP TABLE api_rate_bucket",
            state_operations=[
                migrations.CreateModel(
                    name="RateBucket",
                    fields=[
                        ("subject", models.TextField(primary_key=True, serialize=False)),
                        ("full_at", models.DateTimeField()),
                    ],
                    options={"db_table": "api_rate_bucket"},
                )
            ],
        )
    ]
