from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0012_keep_the_traceparent_of_an_event")]

    operations = [
        AddIndexConcurrently(
            model_name="orderevent",
            index=models.Index(fields=["request_id"], name="event_by_request_id"),
        ),
    ]
