"""Made-up products, for tests and for the demo data."""

from factory import Sequence
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
STYLES = ("", "시그니처 ", "제주 ", "유기농 ", "겨울 한정 ", "미니 ", "더블 ", "홈카페 ")


def name_of(number: int) -> str:
    # A different one for every number.
    rest, place = divmod(number, len(NAMES))
    edition, style = divmod(rest, len(STYLES))
    return f"{STYLES[style]}{NAMES[place]}{f' {edition + 1}호' if edition else ''}"


class ProductFactory(DjangoModelFactory[Product]):
    """A product of a café, priced to the hundred won."""

    class Meta:
        model = Product

    name = Sequence(name_of)
    price = FuzzyInteger(3_000, 15_000, step=100)
    stock = Sequence(lambda n: 50 + n % 5 * 50)
