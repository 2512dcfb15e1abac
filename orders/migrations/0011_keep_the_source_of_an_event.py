from django.db import migrations, models


class Migration(migrations.Migration):
    """With a default in the database: events of before, and of processes of the release before, say it already."""

    dependencies = [("orders", "0010_validate_within_calendar")]

    operations = [
        migrations.AddField(
            model_name="orderevent",
            name="source",
            field=models.CharField(db_default="/orders", default="/orders", editable=False, max_length=255),
        ),
    ]
