from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("seeding", "0005_export_lists"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="upload",
            options={"permissions": [("export_lists", "Export lists and sales")]},
        ),
    ]
