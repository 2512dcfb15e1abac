"""What `make run` prints shows no password but the one that it made."""

from pathlib import Path

import pytest

from config import services
from local.welcome import Prepared, welcome


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:very-secret@db:5432/shop",
        "postgresql://shop@/shop?host=db&password=very-secret",
        "postgresql:///shop?password=very-secret&sslmode=verify-full&sslpassword=very-secret",
    ],
)
def test_address_of_the_database_is_shown_without_its_password(url):
    shown = welcome(
        Prepared(password=None, user_id=1, product_id=1),
        url="http://127.0.0.1:8000",
        database=services.conninfo(services.database("DATABASE_URL", url)),
        log=Path("shop.log"),
        events=None,
        needs_gateway_secret=False,
    )
    assert "dbname=shop" in shown
    assert "very-secret" not in shown
