from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("users", "0002_texts_in_english_at_source")]

    operations = [
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(fields=["name"], name="user_by_name", opclasses=["varchar_pattern_ops"]),
        ),
    ]
