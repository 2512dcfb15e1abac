from django.db import migrations, models


class Migration(migrations.Migration):
    """With a default in the database, for processes of the release before."""

    dependencies = [("orders", "0011_keep_the_source_of_an_event")]

    operations = [
        migrations.AddField(
            model_name="orderevent",
            name="traceparent",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=55),
        ),
    ]
