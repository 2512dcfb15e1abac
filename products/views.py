"""Products over HTTP."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from api.viewsets import PublicViewSet
from products.models import Product
from products.serializers import ProductSerializer


@extend_schema(tags=["products"])
@extend_schema_view(
    list=extend_schema(operation_id="list_products", summary="List products"),
    retrieve=extend_schema(operation_id="get_product", summary="Get a product"),
)
class ProductViewSet(ListModelMixin, RetrieveModelMixin, PublicViewSet):
    """Products, each with its stock at this moment."""

    queryset = Product.objects.only("id", "name", "price", "stock")
    serializer_class = ProductSerializer
