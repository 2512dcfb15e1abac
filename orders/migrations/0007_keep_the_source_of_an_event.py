from django.db import migrations, models


class Migration(migrations.Migration):
    """With a default in the database: events of before, and of processes of the release before, say it already."""

    dependencies = [("orders", "0006_name_events_in_the_order_of_time")]

    operations = [
        migrations.AddField(
            model_name="orderevent",
            name="source",
            field=models.CharField(db_default="/orders", default="/orders", editable=False, max_length=255),
        ),
    ]
