"""Best sellers on the wire."""

from typing import Any

from rest_framework import serializers

from core.http.serializers import TimestampField


class BestSellerSerializer(serializers.Serializer[Any]):
    """A place in the ranking; name, price and stock are of this moment."""

    rank = serializers.IntegerField()
    product_id = serializers.IntegerField()
    name = serializers.CharField()
    price = serializers.IntegerField()
    stock = serializers.IntegerField()
    units_sold = serializers.IntegerField(source="units")
    sales_amount = serializers.IntegerField(source="amount")


class BestSellersSerializer(serializers.Serializer[Any]):
    """The best sellers of a window that ends at the moment of computing."""

    to = TimestampField(source="to_at")
    as_of = TimestampField(source="to_at")
    results = BestSellerSerializer(many=True, source="best_sellers")

    def get_fields(self) -> dict[str, Any]:
        """`from` cannot be spelt as the name of an attribute."""
        return {"from": TimestampField(source="from_at"), **super().get_fields()}
