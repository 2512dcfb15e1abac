"""Exactly the limited quantity is issued, numbered without gaps."""

from collections.abc import Iterator

from django.db.models import Count, F, Max, Q

from core.db.audit import Rule
from coupons.models import Coupon


def _miscounted_campaigns() -> Iterator[str]:
    counted = Coupon.objects.annotate(
        rows=Count("issuedcoupon"),
        highest=Max("issuedcoupon__sequence", default=0),
        holders=Count("issuedcoupon__user", distinct=True),
    )
    right = Q(issued=F("rows"), highest=F("rows"), holders=F("rows"), issued__lte=F("quantity"))
    columns = ("pk", "issued", "quantity", "rows", "holders", "highest")
    for row in counted.exclude(right).order_by("pk").values_list(*columns).iterator():
        yield "coupon {}: issued {} of {}, {} rows, {} holders, highest sequence {}".format(*row)


RULES = [Rule("issued_equals_coupons", Coupon.objects.count, _miscounted_campaigns)]
