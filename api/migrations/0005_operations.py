"""What the operations pages remember: who changed what, which forms were sent, links to enter; and the three roles.

The audit log is partitioned by its UUIDv7 key, which Django cannot declare.
"""

from django.db import migrations, models

MAKE_GROUPS = """
INSERT INTO auth_group (name) VALUES ('viewer'), ('operator'), ('admin') ON CONFLICT (name) DO NOTHING
"""
CREATE_AUDIT_ENTRY = """
CREATE TABLE api_audit_entry (
    id uuid PRIMARY KEY,
    actor text NOT NULL,
    role text,
    action text NOT NULL,
    subject text NOT NULL,
    account text,
    before jsonb,
    after jsonb,
    network text
) PARTITION BY RANGE (id);
CREATE INDEX api_audit_entry_actor ON api_audit_entry (actor, id);
CREATE INDEX api_audit_entry_action ON api_audit_entry (action, id);
CREATE INDEX api_audit_entry_subject ON api_audit_entry (subject, id);
CREATE INDEX api_audit_entry_account ON api_audit_entry (account, id);
CREATE TABLE api_audit_entry_default PARTITION OF api_audit_entry DEFAULT
"""


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0004_rate_bucket"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(
            CREATE_AUDIT_ENTRY,
            "DROP TABLE api_audit_entry",
            state_operations=[
                migrations.CreateModel(
                    name="AuditEntry",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("actor", models.TextField()),
                        ("role", models.TextField(null=True)),
                        ("action", models.TextField()),
                        ("subject", models.TextField()),
                        ("account", models.TextField(null=True)),
                        ("before", models.JSONField(null=True)),
                        ("after", models.JSONField(null=True)),
                        ("network", models.TextField(null=True)),
                    ],
                    options={
                        "db_table": "api_audit_entry",
                        "indexes": [
                            models.Index(fields=["actor", "id"], name="api_audit_entry_actor"),
                            models.Index(fields=["action", "id"], name="api_audit_entry_action"),
                            models.Index(fields=["subject", "id"], name="api_audit_entry_subject"),
                            models.Index(fields=["account", "id"], name="api_audit_entry_account"),
                        ],
                    },
                )
            ],
        ),
        migrations.CreateModel(
            name="UsedConfirmation",
            fields=[("id", models.UUIDField(editable=False, primary_key=True, serialize=False))],
            options={"db_table": "api_used_confirmation"},
        ),
        migrations.CreateModel(
            name="EntryLink",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("token_hash", models.BinaryField(unique=True)),
                ("user_id", models.IntegerField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "api_entry_link"},
        ),
        migrations.RunSQL(MAKE_GROUPS, migrations.RunSQL.noop),
    ]
