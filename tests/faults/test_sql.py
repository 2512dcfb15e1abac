"""The SQL that the web server sends, as PostgreSQL logs it: what is locked, how, and in which order."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.database import execute
from tests.kit.processes import until
from tests.kit.scenes import buyer, hold_coupon
from tests.kit.shop import Shop

ENOUGH = "SELECT 'heard enough'"
STATEMENT = re.compile(
    r"LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)(?:\n.* DETAIL:  Parameters: (.*))?", re.IGNORECASE
)
SENT_BY_THE_SHOP = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|WITH)\b")
READS = re.compile(r'FROM "?([a-z]+_[a-z]+)')
WRITES = re.compile(r'(INSERT|UPDATE|DELETE) (?:INTO |FROM )?"?([a-z]+_[a-z]+)')
LOCKS = re.compile(r" (FOR (?:NO KEY )?(?:UPDATE|SHARE)(?: OF \S+)?)")


@dataclass
class Heard:
    """What was sent between BEGIN and COMMIT, or all that was where there is no BEGIN; a statement a line."""

    statements: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        """Each statement as all that it writes, or the first table that it reads."""
        return [step(sql) for sql in self.statements]

    @property
    def locks(self) -> list[str]:
        """The locking clauses."""
        return [found[1] for sql in self.statements if (found := LOCKS.search(sql))]


def step(sql: str) -> str:
    """What a statement does, in a few words."""
    if written := WRITES.findall(sql):
        return ", ".join(" ".join(each) for each in written)
    return " ".join([sql.split(maxsplit=1)[0], *READS.findall(sql)[:1]])


@contextmanager
def listening(shop: Shop) -> Iterator[Heard]:
    """Hear every statement of the web server's one transaction inside the block."""
    log, heard = shop.servers.embedded.root / "postgres.log", Heard()
    shop.worker.kill()
    shop.beat.kill()
    log_statements(log, "all")
    size = log.stat().st_size
    yield heard
    execute(ENOUGH)
    until(lambda: ENOUGH.encode() in log.read_bytes()[size:])
    log_statements(log, "none")
    said = [" ".join(" ".join(each).split()) for each in STATEMENT.findall(log.read_bytes()[size:].decode())]
    sent = [sql for sql in said[: said.index(ENOUGH)] if SENT_BY_THE_SHOP.match(sql)]
    heard.statements += sent[sent.index("BEGIN") : sent.index("COMMIT") + 1] if "BEGIN" in sent else sent


def log_statements(log: Path, which: str) -> None:
    """For all sessions, from their next statement on."""
    execute(f"ALTER SYSTEM SET log_statement = '{which}'")
    execute("SELECT pg_reload_conf()")
    until(lambda: execute("SHOW log_statement") == [(which,)])


def test_checkout_takes_from_the_account_first_and_from_stock_last_by_id(shop: Shop) -> None:
    user, (a, b) = buyer(shop.http), ProductFactory.create_batch(2, price=10)
    coupon = hold_coupon(shop.http, user)["id"]
    with listening(shop) as heard:
        assert shop.http.order(user, {b.pk: 1, a.pk: 2}, issued_coupon_id=coupon, key="k").status == 201
    assert heard.steps == [
        "BEGIN",
        "SELECT points_pointaccount",
        "UPDATE coupons_issuedcoupon",
        "INSERT orders_order",
        "INSERT orders_orderitem",
        "INSERT orders_orderitem",
        "INSERT orders_orderevent",
        "INSERT points_pointtransaction",
        "UPDATE points_pointaccount",
        "UPDATE products_product",
        "UPDATE products_product",
        "COMMIT",
    ]
    assert heard.locks == ['FOR NO KEY UPDATE OF "points_pointaccount"']
    for taken, product, quantity in zip(heard.statements[-3:-1], (a, b), (2, 1), strict=True):
        assert '"stock" = ("products_product"."stock" - $1)' in taken
        assert taken.endswith(f"$1 = '{quantity}', $2 = '{quantity}', $3 = '{product.pk}'")


def test_first_charge_locks_the_account_before_and_after_it_makes_it(shop: Shop) -> None:
    user = buyer(shop.http, points=0)
    with listening(shop) as heard:
        assert shop.http.charge(user, 5).status == 201
    assert heard.steps == [
        "BEGIN",
        "SELECT points_pointaccount",
        "SELECT users_user",
        "INSERT points_pointaccount",
        "SELECT points_pointaccount",
        "INSERT points_pointtransaction",
        "UPDATE points_pointaccount",
        "COMMIT",
    ]
    assert heard.locks == ['FOR NO KEY UPDATE OF "points_pointaccount"'] * 2


def test_issue_locks_nothing_before_its_guarded_update(shop: Shop) -> None:
    user, campaign = buyer(shop.http, points=0), CouponFactory()
    with listening(shop) as heard:
        assert shop.http.post(f"coupons/{campaign.pk}/issue", user=user).status == 201
    assert heard.locks == []
    assert heard.steps[-1] == "UPDATE coupons_coupon, INSERT coupons_issuedcoupon"
    assert "issued < quantity" in heard.statements[-1]


def test_locks_of_another_kind_or_order_would_be_noticed(shop: Shop) -> None:
    product = ProductFactory()
    with listening(shop) as heard:
        execute("BEGIN")
        execute("UPDATE products_product SET stock = stock WHERE id = %s", product.pk)
        execute("SELECT 1 FROM products_product WHERE id = %s FOR UPDATE", product.pk)
        execute("COMMIT")
    assert [step.split()[0] for step in heard.steps] == ["BEGIN", "UPDATE", "SELECT", "COMMIT"]
    assert heard.locks == ["FOR UPDATE"]
