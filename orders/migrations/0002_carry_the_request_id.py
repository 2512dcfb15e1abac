from django.db import migrations, models


class Migration(migrations.Migration):
    """With a default in the database: processes of the release before go on inserting without it."""

    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="orderevent",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=64,
                verbose_name="Request id",
            ),
        ),
    ]
