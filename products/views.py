"""Products over HTTP."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from api.viewsets import PublicViewSet
from products.models import Product
from products.serializers import ProductSerializer


@extend_schema(tags=["products"])
@extend_schema_view(
    list=extend_schema(summary="Products by id, with the stock of this moment"),
    retrieve=extend_schema(summary="One product, with the stock of this moment"),
)
class ProductViewSet(ListModelMixin, RetrieveModelMixin, PublicViewSet):
    """Read-only, and public."""

    queryset = Product.objects.only("id", "name", "price", "stock")
    serializer_class = ProductSerializer
