"""What `make run` prints shows no password but the one that it made."""

import pytest

from config.welcome import Welcome


@pytest.mark.parametrize(
    "database",
    [
        "postgresql://shop:very-secret@db:5432/shop",
        "postgresql://shop@/shop?host=db&password=very-secret",
        "postgresql:///shop?password=very-secret&sslmode=verify-full&sslpassword=very-secret",
    ],
)
def test_the_address_of_the_database_is_shown_without_its_password(database):
    shown = str(
        Welcome(
            url="http://127.0.0.1:8000",
            database=database,
            events=None,
            needs_gateway_secret=False,
            password=None,
            user_id=1,
            product_id=1,
        )
    )
    assert "***" in shown
    assert "very-secret" not in shown
