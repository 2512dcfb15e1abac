"""Products over HTTP."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.http.viewsets import PublicViewSet, row_id
from products import selectors
from products.models import Product
from products.serializers import ProductSerializer


@extend_schema(tags=["products"])
@extend_schema_view(
    list=extend_schema(operation_id="list_products", summary="List products"),
    retrieve=extend_schema(operation_id="get_product", summary="Get a product"),
)
class ProductViewSet(PublicViewSet):
    """Products, each with its stock at this moment."""

    queryset = Product.objects.none()
    serializer_class = ProductSerializer

    def list(self, request: Request) -> Response:
        """Products, each with its stock at this moment."""
        return self.page(request, selectors.products)

    def retrieve(self, _request: Request, pk: str) -> Response:
        """Products, each with its stock at this moment."""
        return self.one(selectors.product(product_id=row_id(pk)))
