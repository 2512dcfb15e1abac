"""A column's type changes under running processes, which have PostgreSQL keep their statements' plans."""

from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import broken
from tests.kit.scenes import at_once

WIDEN = "ALTER TABLE products_product ALTER name TYPE varchar(255)"
NARROW = "ALTER TABLE products_product ALTER name TYPE varchar(100)"


def test_column_that_becomes_wider_fails_no_request(transactional_db, buyer, tmp_path):
    """In a shop of its own, for these sessions do without prepared statements from then on."""
    product, log = ProductFactory(price=1), tmp_path / "web.log"
    with processes.web(log=log, WEB_CONCURRENCY="1") as url:
        http = Client(url)
        calls = [lambda: http.order(buyer, {product.pk: 1}), lambda: http.get(f"products/{product.pk}")] * 10
        assert {answer.status for answer in at_once(calls)} == {200, 201}
        with broken(WIDEN, NARROW):
            assert {answer.status for answer in at_once(calls)} == {200, 201}
    assert "plans_lost" in log.read_text()
