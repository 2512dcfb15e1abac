"""Serializers of products."""

from rest_framework import serializers

from products.models import Product
from products.selectors import SHOWN


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product with the stock of this moment."""

    class Meta:
        model = Product
        fields = SHOWN
