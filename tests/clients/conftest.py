"""Generated clients against the running shop; `make test-clients` installs what generates them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Client
from users.factories import UserFactory


@dataclass(frozen=True)
class Market:
    """A shop with what a purchase needs, and its OpenAPI document."""

    http: Client
    document: Path

    def arguments(self) -> list[str]:
        """What a purchasing program is told: the shop, a new member, a campaign, a product, a scarce one."""
        product, scarce = ProductFactory(price=2_000_000_000), ProductFactory(price=10, stock=3)
        coupon = CouponFactory(discount_type="fixed", discount_value=1_500_000_000, quantity=1)
        return [self.http.url, *(str(row.pk) for row in (UserFactory(), coupon, product, scarce))]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where clients are generated."""
    return tmp_path_factory.mktemp("clients")


@pytest.fixture
def market(http: Client, folder: Path) -> Iterator[Market]:
    """The running shop, empty but for what `arguments` puts in."""
    document = folder / "openapi.yaml"
    document.write_bytes(http.get("/api/schema").body)
    return Market(http, document)
