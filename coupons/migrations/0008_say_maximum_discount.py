"""Labels alone: no statement is sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0007_find_issued_coupons_by_day"),
        ("users", "0005_validate_within_calendar"),
    ]

    operations = [
        migrations.AlterField(
            model_name="coupon",
            name="max_discount",
            field=models.BigIntegerField(
                blank=True,
                help_text="Percentage coupons only, in won. Empty: no limit",
                null=True,
                verbose_name="Maximum discount",
            ),
        ),
        migrations.AlterField(
            model_name="issuedcoupon",
            name="max_discount",
            field=models.BigIntegerField(
                blank=True,
                help_text="Percentage coupons only, in won. Empty: no limit",
                null=True,
                verbose_name="Maximum discount",
            ),
        ),
        migrations.AlterConstraint(
            model_name="coupon",
            name="coupon_discount_value_fits_type",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("discount_type", "fixed"), ("discount_value__gte", 1), ("max_discount", None)),
                    models.Q(("discount_type", "percent"), ("discount_value__range", (1, 100))),
                    _connector="OR",
                ),
                name="coupon_discount_value_fits_type",
                violation_error_message="A fixed amount is 1 won or more and has no maximum discount; a percentage is 1–100.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="coupon",
            name="coupon_max_discount_positive",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_discount", None), ("max_discount__gte", 1), _connector="OR"),
                name="coupon_max_discount_positive",
                violation_error_message="A maximum discount is 1 won or more.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="issuedcoupon",
            name="issuedcoupon_discount_value_fits_type",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("discount_type", "fixed"), ("discount_value__gte", 1), ("max_discount", None)),
                    models.Q(("discount_type", "percent"), ("discount_value__range", (1, 100))),
                    _connector="OR",
                ),
                name="issuedcoupon_discount_value_fits_type",
                violation_error_message="A fixed amount is 1 won or more and has no maximum discount; a percentage is 1–100.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="issuedcoupon",
            name="issuedcoupon_max_discount_positive",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_discount", None), ("max_discount__gte", 1), _connector="OR"),
                name="issuedcoupon_max_discount_positive",
                violation_error_message="A maximum discount is 1 won or more.",
            ),
        ),
    ]
