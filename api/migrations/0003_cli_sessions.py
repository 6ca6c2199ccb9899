"""Sessions of the Stripe CLI, what each is to hear, and the secret that signs it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0002_request_log_asked_version"),
    ]

    operations = [
        migrations.CreateModel(
            name="CliSecret",
            fields=[
                ("account_id", models.UUIDField(primary_key=True, serialize=False)),
                ("sealed_secret", models.TextField()),
            ],
            options={
                "db_table": "api_cli_secret",
            },
        ),
        migrations.CreateModel(
            name="CliMessage",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("session_id", models.UUIDField()),
                ("subject_id", models.UUIDField()),
                ("manual", models.BooleanField(db_default=False, default=False)),
                ("connection", models.UUIDField(null=True)),
                ("pushes", models.SmallIntegerField(db_default=0, default=0)),
                ("pushed_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("status", models.SmallIntegerField(null=True)),
                ("body", models.TextField(null=True)),
                ("headers", models.JSONField(null=True)),
                ("forward_url", models.TextField(null=True)),
            ],
            options={
                "db_table": "api_cli_message",
                "indexes": [
                    models.Index(
                        condition=models.Q(("acknowledged_at__isnull", True)),
                        fields=["session_id", "subject_id"],
                        name="api_cli_message_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("manual", False)),
                        fields=("session_id", "subject_id"),
                        name="api_cli_message_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CliSession",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("token_hash", models.BinaryField(unique=True)),
                ("account_id", models.UUIDField()),
                ("owner", models.TextField()),
                ("key_id", models.UUIDField()),
                (
                    "feature",
                    models.TextField(choices=[("webhooks", "Webhooks"), ("request_logs", "Request Logs")]),
                ),
                ("filters", models.JSONField(default=dict)),
                ("api_version", models.TextField()),
                ("device_name", models.TextField(null=True)),
                ("forward_url", models.TextField(null=True)),
                ("cursor", models.UUIDField()),
                ("connection", models.UUIDField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "api_cli_session",
                "indexes": [
                    models.Index(fields=["account_id", "expires_at"], name="api_cli_session_account"),
                    models.Index(fields=["expires_at"], name="api_cli_session_expires"),
                ],
            },
        ),
    ]
