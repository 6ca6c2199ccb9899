from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0005_account_api_version")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="kind",
            field=models.TextField(db_default="secret", default="secret"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="scopes",
            field=models.JSONField(null=True),
        ),
    ]
