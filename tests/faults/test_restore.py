"""A mistake is undone: the database is restored to the moment before it, and sells on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.db.audit import audit
from core.timestamps import SEOUL
from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from orders.models import Order, OrderEvent
from points.models import PointTransaction
from products.factories import ProductFactory
from products.models import Product
from tests.faults.backups import Backups, now, promote
from tests.faults.load import buying
from tests.kit.database import execute
from tests.kit.platforms import receiver
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import LEASE_AND_SWEEP_SECONDS, Shop, open_shop
from users.models import User

NUMBERED = (Order, OrderEvent, PointTransaction, User, Product, Coupon, IssuedCoupon)
ORDERS = 50

Numbers = dict[Any, set[Any]]


@dataclass
class Mistake:
    """The moment before it, and every number that somebody was told of by the time the shop was stopped."""

    backups: Backups
    moment: str
    told: Numbers


@pytest.fixture(scope="module")
def shop(servers, folder) -> Iterator[Shop]:
    with receiver(folder) as platform, open_shop(servers=servers, platform=platform, folder=folder) as shop:
        yield shop


@pytest.fixture(scope="module")
def mistake(shop: Shop, servers, folder) -> Mistake:
    """Orders, a base backup, orders, the moment, orders, and every price is 0."""
    backups = Backups(servers, folder=folder / "backups")
    sell(shop)
    backups.base()
    sell(shop)
    moment = now()
    sell(shop)
    Product.objects.update(price=0)
    stop(shop)
    return Mistake(backups, moment, numbers())


def stop(shop: Shop) -> None:
    for part in (shop.beat, shop.web, shop.worker):
        part.stop()


def sell(shop: Shop) -> None:
    """Orders of new members for new products, one with a new coupon; the platform gets them all."""
    until(lambda: shop.answers("/readyz"))
    with buying(shop) as load:
        until(lambda: len(load.acknowledged) >= ORDERS)
    user, coupon, product = buyer(shop.http), CouponFactory(), ProductFactory(price=1000)
    issued = shop.http.post(f"coupons/{coupon.pk}/issue", user=user).json
    basket = {"items": [{"product_id": product.pk, "quantity": 1}], "issued_coupon_id": issued["id"]}
    assert shop.http.post("orders", basket, user=user).status == 201
    shop.deliver_all(seconds=LEASE_AND_SWEEP_SECONDS)


def numbers() -> Numbers:
    return {model: set(model.objects.values_list("pk", flat=True)) for model in NUMBERED}


def given_twice(mistake: Mistake, *, restored: Numbers) -> Numbers:
    """What was given out since the restore though somebody had been told of it before."""
    return {model: (there - restored[model]) & mistake.told[model] for model, there in numbers().items()}


def after_restore(shop: Shop, **options: Any) -> str:
    out = StringIO()
    call_command("after_restore", events=shop.taken(), stdout=out, **options)
    return out.getvalue()


def test_restored_shop_gives_no_number_twice_and_says_what_it_forgot(
    shop: Shop, mistake: Mistake, tmp_path: Path
) -> None:
    file = tmp_path / "forgotten.jsonl"
    mistake.backups.restore(mistake.moment)
    restored = numbers()
    assert not Product.objects.filter(price=0).exists()
    with pytest.raises(CommandError, match="still recovering"):
        after_restore(shop)
    with pytest.raises(CommandError, match="orders_order_id_seq"):
        after_restore(shop, check=True)
    promote()
    after_restore(shop, forgotten=file)
    after_restore(shop, check=True)
    written_down = [json.loads(line)["data"]["order_id"] for line in file.read_text().splitlines()]
    assert sorted(written_down) == sorted(mistake.told[Order] - restored[Order])
    shop.start()
    sell(shop)
    assert given_twice(mistake, restored=restored) == {model: set() for model in NUMBERED}
    with pytest.raises(CommandError, match="other sessions use this database"):
        after_restore(shop)
    assert [found for found in audit(events=shop.taken(), forgotten=file) if found.violations] == []
    stop(shop)


def test_restore_takes_a_time_without_a_zone_as_the_machine_s(mistake: Mistake) -> None:
    in_seoul = datetime.fromisoformat(mistake.moment).astimezone(SEOUL)
    mistake.backups.restore(in_seoul.strftime("%Y-%m-%d %H:%M:%S.%f"), zone="KST-9")
    assert execute("SELECT current_setting('recovery_target_time')::timestamptz") == [(in_seoul,)]
    assert not Product.objects.filter(price=0).exists()


def test_numbers_would_be_given_twice_without_after_restore(shop: Shop, mistake: Mistake) -> None:
    mistake.backups.restore(mistake.moment)
    restored = numbers()
    promote()
    shop.start()
    sell(shop)
    stop(shop)
    twice = given_twice(mistake, restored=restored)
    assert twice[Order]
    assert twice[PointTransaction]
    with pytest.raises(CommandError, match=f"order {min(twice[Order])}: event"):
        after_restore(shop)
