"""New events get ids that begin with the time, so that they are written side by side; docs/adr/0012 has the figures."""

from django.db import migrations, models

import orders.models


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_index_only_orders_that_have_a_key")]
    operations = [
        migrations.AlterField(
            model_name="orderevent",
            name="id",
            field=models.UUIDField(
                db_default=orders.models.TimeOrderedUUID(), editable=False, primary_key=True, serialize=False
            ),
        ),
    ]
