"""A shop with something on every page of the admin."""

from datetime import timedelta

from django.contrib.admin.sites import site
from django.utils import timezone

from coupons.factories import CouponFactory
from orders.models import Order, OrderEvent
from products.factories import ProductFactory
from tests.kit.backoffice import buy

# What each page is called in its picture, and where it is; {} is the newest row's id.
PAGES = {
    "overview": "",
    "orders": "orders/order/",
    "order": "orders/order/{}/change/",
    "order-export": "orders/order/export/",
    "events": "orders/orderevent/",
    "events-dead": "orders/orderevent/redeliver-dead/",
    "event": "orders/orderevent/{}/change/",
    "products": "products/product/",
    "product": "products/product/{}/change/",
    "product-add": "products/product/add/",
    "product-history": "products/product/{}/history/",
    "product-import": "products/product/import/",
    "product-export": "products/product/export/",
    "coupons": "coupons/coupon/",
    "coupon": "coupons/coupon/{}/change/",
    "coupon-add": "coupons/coupon/add/",
    "coupon-copy": "coupons/coupon/{}/copy/",
    "coupon-close": "coupons/coupon/close/?id={}",
    "issued-coupons": "coupons/issuedcoupon/",
    "issued-coupon": "coupons/issuedcoupon/{}/change/",
    "members": "users/user/",
    "member": "users/user/{}/change/",
    "balances": "points/pointaccount/",
    "ledger": "points/pointtransaction/",
    "accounts": "auth/user/",
    "account": "auth/user/{}/change/",
    "roles": "auth/group/",
    "log": "admin/logentry/",
    "manual": "manual/",
    "search": "search/?s=김하나",
    "log-export": "admin/logentry/export/",
}


def address(path: str) -> str:
    """The page's address, of its newest row."""
    if "{}" not in path:
        return path
    app, model = path.split("/")[:2]
    ((_, admin),) = [each for each in site._registry.items() if each[0]._meta.label_lower == f"{app}.{model}"]
    return path.format(admin.model.objects.latest("pk").pk)


def open_for_days() -> None:
    """Orders of three days, an event that is dead, little stock, and campaigns that have begun."""
    for hours in (60, 41, 40, 39, 20, 3, 2, 1, 0):
        buy()
        ordered = timezone.now() - timedelta(hours=hours)
        Order.objects.filter(pk=Order.objects.latest("pk").pk).update(ordered_at=ordered)
    dead = OrderEvent.objects.order_by("order_id").values("pk")[:2]
    OrderEvent.objects.filter(pk__in=dead).update(state="dead", attempts=12, last_error="HTTP 503 " * 12)
    ProductFactory(
        name="아주 긴 이름을 가진 상품이라서 좁은 화면에서는 줄을 바꿔야 하는 원두 세트 선물 상자", stock=0
    )
    CouponFactory(name="거의 다 나간 쿠폰", quantity=1_000_000, issued=999_000)
