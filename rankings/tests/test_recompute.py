"""recompute_rankings: the stored sums change the cost of a ranking, never its answer."""

import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from products.factories import ProductFactory
from rankings import services
from rankings.tests.sales import ranked, sell
from tests import processes
from tests.client import Client
from tests.database import broken, execute
from tests.scenes import at_once, buyer

AGES = ("80 hours", "72 hours 30 minutes", "71 hours 30 minutes", "30 hours", "3 hours", "5 minutes")
HIDDEN = (
    "ALTER TABLE rankings_productsales RENAME TO rankings_hidden",
    "ALTER TABLE rankings_hidden RENAME TO rankings_productsales",
)


def recompute() -> str:
    """Run the command; what it prints."""
    output = StringIO()
    call_command("recompute_rankings", stdout=output)
    return output.getvalue()


def stored() -> list[tuple[int, int]]:
    return execute("SELECT product_id, units FROM rankings_productsales ORDER BY 1")


def a_week_of_sales(http: Client) -> list[int]:
    """Seven products sold in different mixtures at every interesting age; their ids."""
    user, products = buyer(http, points=1_000_000), ProductFactory.create_batch(7, price=10, stock=1_000)
    ids = [product.pk for product in products]
    for step, age in enumerate(AGES):
        sell(http, user, {pk: 1 + (index * (step + 2)) % 7 for index, pk in enumerate(ids)}, age=age)
    return ids


def test_the_ranking_is_exact_with_the_batch_never_run(http: Client) -> None:
    a_week_of_sales(http)
    assert len(ranked(http)) == 5


def test_the_ranking_is_exact_after_the_batch_and_after_what_is_sold_since(http: Client) -> None:
    ids = a_week_of_sales(http)
    before = ranked(http)
    recompute()
    assert stored()
    assert ranked(http) == before
    sell(http, buyer(http), {ids[0]: 90, ids[3]: 60})
    assert [row[0] for row in ranked(http)][:2] == [ids[0], ids[3]]


def test_the_ranking_is_exact_with_the_batch_hours_late(http: Client) -> None:
    """The window ends before anything was sold in it, as if the batch had last run then."""
    ids = a_week_of_sales(http)
    execute("DELETE FROM rankings_productsales")
    recompute()
    execute(
        "UPDATE rankings_productsales p SET units = s.units, amount = s.amount FROM"
        " (SELECT product_id, sum(quantity) AS units, sum(quantity * unit_price) AS amount"
        "  FROM orders_orderitem i"
        "  JOIN orders_order o ON o.id = i.order_id, rankings_saleswindow w"
        "  WHERE ordered_at > w.from_at AND ordered_at <= w.to_at - interval '24 hours' GROUP BY 1) s"
        " WHERE s.product_id = p.product_id"
    )
    execute("UPDATE rankings_saleswindow SET to_at = to_at - interval '24 hours'")
    ranked(http)
    sell(http, buyer(http), {ids[1]: 60})
    assert ranked(http)[0][0] == ids[1]


def test_the_stored_sums_are_what_is_read(http: Client) -> None:
    """Without this the three tests above could not tell a read model from none."""
    ids = a_week_of_sales(http)
    recompute()
    execute("UPDATE rankings_productsales SET units = 1000000 WHERE product_id = %s", ids[2])
    with pytest.raises(AssertionError):
        ranked(http)
    assert http.get("rankings/products").json["results"][0]["product_id"] == ids[2]


@pytest.mark.parametrize(
    ("corruption", "told"),
    [
        (
            "UPDATE rankings_productsales SET units = units + 9",
            "0 added, 7 changed, 0 removed, 0 right already",
        ),
        ("UPDATE rankings_productsales SET amount = 0", "0 added, 7 changed, 0 removed, 0 right already"),
        ("DELETE FROM rankings_productsales", "7 added, 0 changed, 0 removed, 0 right already"),
        (
            "INSERT INTO rankings_productsales SELECT max(id), 1, 1 FROM products_product",
            "0 added, 0 changed, 1 removed, 7 right already",
        ),
        ("SELECT 1", "0 added, 0 changed, 0 removed, 7 right already"),
    ],
)
def test_a_corrupted_table_is_mended_and_the_change_told(http: Client, corruption: str, told: str) -> None:
    a_week_of_sales(http)
    ProductFactory(name="never sold")
    recompute()
    right = stored()
    execute(corruption)
    assert told in recompute()
    assert stored() == right
    ranked(http)


def test_a_missing_window_is_mended(http: Client) -> None:
    a_week_of_sales(http)
    recompute()
    execute("DELETE FROM rankings_saleswindow")
    ranked(http)
    recompute()
    assert execute("SELECT count(*) FROM rankings_saleswindow") == [(1,)]
    ranked(http)


@pytest.mark.parametrize(
    "rewrite",
    [
        "UPDATE orders_order SET ordered_at = ordered_at - interval '10 hours'",
        "UPDATE orders_orderitem SET quantity = quantity + 3 WHERE product_id % 2 = 0",
    ],
)
def test_history_rewritten_by_sql_after_the_batch_counts_at_once(http: Client, rewrite: str) -> None:
    a_week_of_sales(http)
    recompute()
    execute(rewrite)
    ranked(http)
    recompute()
    ranked(http)


def test_nothing_sold_is_recomputed_too(transactional_db: None) -> None:
    assert "0 added, 0 changed, 0 removed, 0 right already" in recompute()


def test_a_failure_is_told_and_changes_nothing(http: Client) -> None:
    a_week_of_sales(http)
    recompute()
    right = stored()
    with broken(*HIDDEN), pytest.raises(CommandError, match="not rebuilt"):
        recompute()
    assert stored() == right


def test_a_failure_exits_with_1_and_success_with_0(transactional_db: None) -> None:
    command = [sys.executable, "manage.py", "recompute_rankings"]

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=processes.ROOT,
            env=processes.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    assert run().returncode == 0
    with broken(*HIDDEN):
        failed = run()
    assert failed.returncode == 1
    assert "not rebuilt" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_rebuilding_beside_live_orders_and_beside_itself_is_safe(http: Client) -> None:
    ids = a_week_of_sales(http)
    users = [buyer(http) for _ in range(4)]

    calls = [lambda: services.recompute(days=3).added >= 0] * 6
    calls += [
        lambda user=user, pk=pk: http.order(user, {pk: 1}).status == 201 for user in users for pk in ids
    ]
    assert all(at_once(calls))
    ranked(http)
    recompute()
    assert "0 added, 0 changed, 0 removed" in recompute()
    ranked(http)
