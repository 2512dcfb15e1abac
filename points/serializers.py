"""Serializers of points."""

from django.db.models import BigIntegerField
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from core.http.serializers import StrictIntegerField, StrictSerializer, TimestampField
from points.models import PointTransaction

MAX_BIGINT = BigIntegerField.MAX_BIGINT


class PointBalanceSerializer(serializers.Serializer[dict[str, int]]):
    """The caller's balance in won."""

    user_id = serializers.IntegerField()
    balance = serializers.IntegerField()


@extend_schema_serializer(examples=[OpenApiExample("Ten thousand won", {"amount": 10000}, request_only=True)])
class ChargeSerializer(StrictSerializer):
    """How many won to charge; no maximum."""

    amount = StrictIntegerField(min_value=1)


class LedgerEntrySerializer(serializers.ModelSerializer[PointTransaction]):
    """A line of the ledger; a payment's amount is negative."""

    amount = serializers.IntegerField(min_value=-MAX_BIGINT, max_value=MAX_BIGINT)
    order_id = serializers.IntegerField(allow_null=True)
    created_at = TimestampField()

    class Meta:
        model = PointTransaction
        fields = ("id", "type", "amount", "balance_after", "order_id", "created_at")
