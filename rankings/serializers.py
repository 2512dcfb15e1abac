"""Serializers of best sellers."""

from typing import Any

from rest_framework import serializers

from core.http.serializers import TimestampField


class BestSellerSerializer(serializers.Serializer[Any]):
    """A rank with its product's current name, price and stock."""

    rank = serializers.IntegerField()
    product_id = serializers.IntegerField()
    name = serializers.CharField()
    price = serializers.IntegerField()
    stock = serializers.IntegerField()
    units_sold = serializers.IntegerField(source="units")
    sales_amount = serializers.IntegerField(source="amount")


class BestSellersSerializer(serializers.Serializer[Any]):
    """The best sellers of a window that ends when the answer is computed."""

    to = TimestampField(source="to_at")
    as_of = TimestampField(source="to_at")
    results = BestSellerSerializer(many=True, source="best_sellers")

    def get_fields(self) -> dict[str, Any]:
        # `from` cannot be an attribute's name.
        return {"from": TimestampField(source="from_at"), **super().get_fields()}
