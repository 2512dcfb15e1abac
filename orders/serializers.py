"""Orders on the wire."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from core.http.serializers import StrictIntegerField, StrictSerializer, TimestampField
from orders.models import Order, OrderItem

MAX_LINES = 100
MAX_QUANTITY = 1_000_000


class BasketLineSerializer(StrictSerializer):
    """One product and how many of it."""

    product_id = StrictIntegerField()
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY)


@extend_schema_serializer(
    examples=[
        OpenApiExample("One of one product", {"items": [{"product_id": 1, "quantity": 1}]}, request_only=True)
    ]
)
class BasketSerializer(StrictSerializer):
    """1–100 lines, each product once, and perhaps a coupon and the total the client saw."""

    items = BasketLineSerializer(  # type: ignore[call-arg]  # the stubs know no list options
        many=True,
        allow_empty=False,
        max_length=MAX_LINES,
        error_messages={"empty": "1", "max_length": "{max_length}"},
    )
    issued_coupon_id = StrictIntegerField(required=False, allow_null=True, default=None)
    expected_total = StrictIntegerField(required=False, allow_null=True, default=None)

    def validate_items(self, items: list[dict[str, int]]) -> list[dict[str, int]]:
        seen: set[int] = set()
        errors: list[dict[str, Any]] = []
        for item in items:
            repeated = item["product_id"] in seen
            errors.append({"product_id": [ErrorDetail("", code="duplicate")]} if repeated else {})
            seen.add(item["product_id"])
        if any(errors):
            raise ValidationError(errors)
        return items


class OrderLineSerializer(serializers.ModelSerializer[OrderItem]):
    """A line item as it was bought."""

    product_id = serializers.IntegerField()
    amount = serializers.IntegerField()

    class Meta:
        model = OrderItem
        fields = ("product_id", "product_name", "unit_price", "quantity", "amount")


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order of the caller."""

    items = OrderLineSerializer(many=True)
    issued_coupon_id = serializers.IntegerField(allow_null=True)
    ordered_at = TimestampField()

    class Meta:
        model = Order
        fields = ("id", "status", "items", "subtotal", "discount", "total", "issued_coupon_id", "ordered_at")


class PlacedOrderSerializer(OrderSerializer):
    """An order just placed, with the balance it left."""

    class Meta(OrderSerializer.Meta):
        # As the order, with the balance before its timestamp.
        fields = (*OrderSerializer.Meta.fields[:-1], "balance_after", "ordered_at")  # type: ignore[assignment]


class OrderQuoteSerializer(serializers.Serializer[Any]):
    """The price of a basket, and the balance after buying it."""

    items = OrderLineSerializer(many=True)
    subtotal = serializers.IntegerField()
    discount = serializers.IntegerField()
    total = serializers.IntegerField()
    balance = serializers.IntegerField()
    balance_after = serializers.IntegerField()
