"""Labels alone: no statement is sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0013_find_events_by_request_id"),
    ]

    operations = [
        migrations.AlterField(
            model_name="orderevent",
            name="leased_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="Leased until"),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="state",
            field=models.CharField(
                choices=[("pending", "Waiting"), ("delivered", "Delivered"), ("dead", "Failed")],
                db_default="pending",
                default="pending",
                max_length=10,
                verbose_name="State",
            ),
        ),
    ]
