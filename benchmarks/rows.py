"""What a measured shop begins with: members with points, products with stock, and some with a history."""

from pathlib import Path
from typing import Any

import psycopg

SQL = Path(__file__).parent / "sql"
USERS, PRODUCTS = 100_000, 1_000
# The first members hold coupons and have bought: a full page of each, and one row more.
HOLDERS, HELD = 1_000, 21
ORDERS = HOLDERS * HELD
COUNTS = {"users": USERS, "products": PRODUCTS, "holders": HOLDERS, "held": HELD, "orders": ORDERS}
QUANTITY = 10_000_000  # of a campaign that is not to run out


def fill(database: "psycopg.Connection[Any]") -> None:
    """Put rows, and the floor's functions that make orders, into a migrated database, and pack the tables."""
    for script in ("floor", "stand"):
        psycopg.ClientCursor(database).execute((SQL / f"{script}.sql").read_text(), COUNTS)
    database.execute("VACUUM ANALYZE")


def add_campaign(database: "psycopg.Connection[Any]", *, quantity: int = QUANTITY) -> int:
    """A new campaign, not issued yet; its id."""
    row = database.execute(
        "INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity)"
        " VALUES ('선착순', 'fixed', 1, %s) RETURNING id",
        (quantity,),
    ).fetchone()
    assert row
    return int(row[0])
