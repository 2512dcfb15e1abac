"""Made-up products, for tests and for the demo data."""

from factory import Iterator, Sequence
from factory.django import DjangoModelFactory
from factory.fuzzy import FuzzyInteger

from products.models import Product

NAMES = (
    "아메리카노",
    "카페라떼",
    "바닐라라떼",
    "콜드브루",
    "얼그레이",
    "레몬에이드",
    "치즈케이크",
    "크루아상",
    "소금빵",
    "스콘",
    "원두 200g",
    "머그컵",
)


class ProductFactory(DjangoModelFactory[Product]):
    """A product of a café, priced to the hundred won."""

    class Meta:
        model = Product

    name = Iterator(NAMES)
    price = FuzzyInteger(3_000, 15_000, step=100)
    stock = Sequence(lambda n: 50 + n % 5 * 50)
