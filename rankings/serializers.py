"""Best sellers on the wire."""

from typing import Any

from rest_framework import serializers

from core.http.serializers import TimestampField


class BestSellerSerializer(serializers.Serializer[Any]):
    """A place in the ranking; name, price and stock are of this moment."""

    rank = serializers.IntegerField(source="best_seller.rank")
    product_id = serializers.IntegerField(source="product.product_id")
    name = serializers.CharField(source="product.name")
    price = serializers.IntegerField(source="product.price")
    stock = serializers.IntegerField(source="product.stock")
    units_sold = serializers.IntegerField(source="best_seller.sales.units")
    sales_amount = serializers.IntegerField(source="best_seller.sales.amount")


class BestSellersSerializer(serializers.Serializer[Any]):
    """The best sellers of a window that ends at the moment of computing."""

    to = TimestampField(source="to_at")
    as_of = TimestampField(source="to_at")
    results = BestSellerSerializer(many=True, source="entries")

    def get_fields(self) -> dict[str, Any]:
        """`from` cannot be spelt as the name of an attribute."""
        return {"from": TimestampField(source="from_at"), **super().get_fields()}
