"""Made-up campaigns, for tests and for the demo data."""

from factory import Sequence, Trait
from factory.django import DjangoModelFactory

from coupons.models import Coupon


class CouponFactory(DjangoModelFactory[Coupon]):
    """A campaign that is open and takes 10 % off; `fixed` ones take 1,000 won off."""

    class Meta:
        model = Coupon

    class Params:
        fixed = Trait(discount_type=Coupon.Type.FIXED, discount_value=1_000, max_discount=None)

    name = Sequence(lambda n: f"할인 쿠폰 {n + 1}")
    discount_type = Coupon.Type.PERCENT
    discount_value = 10
    quantity = 100
