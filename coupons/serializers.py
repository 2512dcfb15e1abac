"""Serializers of coupons."""

from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.http.serializers import TimestampField
from coupons.models import TERMS, Coupon, IssuedCoupon, Status, status_of

STATUSES = get_args(Status)


class CouponSerializer(serializers.ModelSerializer[Coupon]):
    """A campaign, with the number left at this moment."""

    remaining = serializers.IntegerField()
    opens_at = TimestampField(allow_null=True)
    closes_at = TimestampField(allow_null=True)

    class Meta:
        model = Coupon
        fields = ("id", *TERMS, "quantity", "remaining", "opens_at", "closes_at")


class IssuedCouponSerializer(serializers.ModelSerializer[IssuedCoupon]):
    """A coupon the caller holds, with the terms it was issued on."""

    coupon_id = serializers.IntegerField()
    status = serializers.SerializerMethodField()
    issued_at = TimestampField()
    expires_at = TimestampField()
    used_at = TimestampField(allow_null=True)

    class Meta:
        model = IssuedCoupon
        fields = ("id", "coupon_id", *TERMS, "sequence", "status", "issued_at", "expires_at", "used_at")

    @extend_schema_field(serializers.ChoiceField(choices=STATUSES))
    def get_status(self, issued: Any) -> Status:
        # A coupon just issued has no `read_at`: it is read at its issue.
        return status_of(issued, now=getattr(issued, "read_at", issued.issued_at))
