from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="requestlog",
            name="asked_version",
            field=models.TextField(null=True),
        )
    ]
