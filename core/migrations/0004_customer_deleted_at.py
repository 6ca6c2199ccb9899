from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_ledger_sums_to_zero")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="deleted_at",
            field=models.DateTimeField(null=True),
        )
    ]
