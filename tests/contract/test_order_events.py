"""Order events, from the request over the row, Redis and a worker process to the bundled receiver."""

from coupons.factories import CouponFactory
from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.platforms import is_delivered
from tests.kit.processes import until


def test_paid_order_reaches_the_platform_once_and_signed(http, buyer, platform):
    coffee, cake = ProductFactory(name="커피", price=4500), ProductFactory(price=7000)
    order = http.order(buyer, {cake.pk: 1, coffee.pk: 2}).json
    until(lambda: is_delivered(order))
    (event,) = platform.events_of(buyer)
    assert event["data"].pop("ordered_at") == event["time"] == order["ordered_at"]
    sums = {"subtotal": 16000, "discount": 0, "total": 16000, "currency": "KRW"}
    buying = {"order_id": order["id"], "user_id": buyer.pk, "items": order["items"]}
    about = {"id": str(OrderEvent.objects.get().pk), "subject": str(order["id"]), "time": order["ordered_at"]}
    assert event == {
        "specversion": "1.0",
        "source": "/orders",
        "type": "order.paid.v1",
        "datacontenttype": "application/json",
        **about,
        "data": {**buying, **sums, "coupon_id": None, "issued_coupon_id": None},
    }


def test_event_names_the_campaign_and_the_coupon_that_were_used(http, buyer, platform):
    coupon = CouponFactory(fixed=True)
    issued = http.post(f"coupons/{coupon.pk}/issue", user=buyer).json
    order = http.order(buyer, {ProductFactory(price=4500).pk: 1}, issued_coupon_id=issued["id"]).json
    until(lambda: is_delivered(order))
    (event,) = platform.events_of(buyer)
    assert event["data"]["coupon_id"] == coupon.pk
    assert event["data"]["issued_coupon_id"] == issued["id"]
    assert (event["data"]["subtotal"], event["data"]["discount"], event["data"]["total"]) == (
        4500,
        1000,
        3500,
    )


def test_refused_order_sends_nothing(http, buyer, platform):
    product = ProductFactory(stock=1)
    assert http.order(buyer, {product.pk: 2}).code == "out_of_stock"
    assert http.order(buyer, {product.pk: 1}, expected_total=1).code == "price_changed"
    paid = http.order(buyer, {product.pk: 1}).json
    until(lambda: is_delivered(paid))
    assert [event["subject"] for event in platform.events_of(buyer)] == [str(paid["id"])]
    assert OrderEvent.objects.count() == 1


def test_order_succeeds_without_a_broker_and_the_sweep_delivers_its_event(http, buyer, platform, logs):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    with processes.web(log=logs / "web-alone.log", CELERY_BROKER_URL=nobody) as url:
        order = Client(url).order(buyer, {ProductFactory().pk: 1})
    assert order.status == 201
    until(lambda: is_delivered(order.json))
