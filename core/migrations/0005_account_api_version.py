from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0004_customer_deleted_at")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="api_version",
            field=models.TextField(db_default="2026-10-28.endive"),
        )
    ]
