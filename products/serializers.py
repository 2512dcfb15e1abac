"""Products on the wire."""

from rest_framework import serializers

from products.models import Product


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product with the stock of this moment."""

    class Meta:
        model = Product
        fields = ("id", "name", "price", "stock")
