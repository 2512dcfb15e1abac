"""recompute_rankings: the stored sums change the cost of a ranking, never its answer."""

import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from products.factories import ProductFactory
from rankings import services
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import broken, execute
from tests.kit.sales import ranked, sell
from tests.kit.scenes import at_once, buyer

AGES = ("80 hours", "72 hours 30 minutes", "71 hours 30 minutes", "30 hours", "3 hours", "5 minutes")
HIDDEN = (
    "ALTER TABLE rankings_productsales RENAME TO rankings_hidden",
    "ALTER TABLE rankings_hidden RENAME TO rankings_productsales",
)


def recompute(*options: str) -> str:
    """Run the command; what it prints."""
    output = StringIO()
    call_command("recompute_rankings", *options, stdout=output)
    return output.getvalue()


def command(*options: str) -> "subprocess.CompletedProcess[str]":
    """The same in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", "recompute_rankings", *options],
        cwd=processes.ROOT,
        env=processes.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def stored() -> list[tuple[int, int]]:
    return execute("SELECT product_id, units FROM rankings_productsales ORDER BY 1")


def a_week_of_sales(http: Client) -> list[int]:
    """Seven products sold in different mixtures at every interesting age; their ids."""
    user, products = buyer(http, points=1_000_000), ProductFactory.create_batch(7, price=10, stock=1_000)
    ids = [product.pk for product in products]
    for step, age in enumerate(AGES):
        sell(http, user, {pk: 1 + (index * (step + 2)) % 7 for index, pk in enumerate(ids)}, age=age)
    return ids


def test_ranking_is_exact_with_the_batch_never_run(http: Client) -> None:
    a_week_of_sales(http)
    assert len(ranked(http)) == 5


def test_ranking_is_exact_after_the_batch_and_after_later_sales(http: Client) -> None:
    ids = a_week_of_sales(http)
    before = ranked(http)
    recompute()
    assert stored()
    assert ranked(http) == before
    sell(http, buyer(http), {ids[0]: 90, ids[3]: 60})
    assert [row[0] for row in ranked(http)][:2] == [ids[0], ids[3]]


def test_ranking_is_exact_with_the_batch_hours_late(http: Client) -> None:
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


def test_stored_sums_are_what_is_read(http: Client) -> None:
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
def test_corrupted_table_is_mended_and_reported(http: Client, corruption: str, told: str) -> None:
    a_week_of_sales(http)
    ProductFactory(name="never sold")
    recompute()
    right = stored()
    execute(corruption)
    assert told in recompute("--from-scratch")
    assert stored() == right
    ranked(http)


def test_missing_window_is_mended(http: Client) -> None:
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


@pytest.mark.parametrize("hours", [0.01, 0.4, 5, 71])
def test_rebuild_continues_from_the_window_it_finds(http: Client, hours: float) -> None:
    a_week_of_sales(http)
    recompute()
    as_if_last_moved_up(hours_ago=hours)
    recompute("--check")
    recompute()
    right = stored()
    assert "0 added, 0 changed, 0 removed, 7 right already" in recompute("--from-scratch")
    assert stored() == right


def as_if_last_moved_up(*, hours_ago: float) -> None:
    """The window and its sums as they were then."""
    execute("UPDATE rankings_saleswindow SET from_at = from_at - %s::interval", f"{hours_ago} hours")
    execute("UPDATE rankings_saleswindow SET to_at = to_at - %s::interval", f"{hours_ago} hours")
    execute("DELETE FROM rankings_productsales")
    execute(
        "INSERT INTO rankings_productsales (product_id, units, amount)"
        " SELECT product_id, sum(quantity), sum(quantity * unit_price) FROM orders_orderitem i"
        " JOIN orders_order o ON o.id = i.order_id, rankings_saleswindow"
        " WHERE ordered_at > from_at AND ordered_at <= to_at GROUP BY 1"
    )


def test_rebuild_on_stored_sums_reads_only_new_orders(http: Client) -> None:
    """Without this the test above could not tell going on from beginning anew."""
    ids = a_week_of_sales(http)
    recompute()
    execute("UPDATE rankings_productsales SET units = units + 1000 WHERE product_id = %s", ids[0])
    recompute()
    assert ("0 changed" in recompute(), dict(stored())[ids[0]] > 1000) == (True, True)


@pytest.mark.parametrize(
    "useless",
    [
        "UPDATE rankings_saleswindow SET from_at = from_at + interval '1 hour'",
        "UPDATE rankings_saleswindow SET to_at = to_at + interval '1 hour'",
        "UPDATE rankings_saleswindow SET to_at = from_at",
        "UPDATE rankings_saleswindow SET from_at = from_at - interval '9 days', to_at = from_at",
    ],
)
def test_rebuild_starts_from_scratch_where_stored_sums_cannot_serve(http: Client, useless: str) -> None:
    a_week_of_sales(http)
    recompute()
    right = stored()
    execute(useless)
    execute("UPDATE rankings_productsales SET units = 1000")
    recompute()
    assert stored() == right


@pytest.mark.parametrize(
    ("corruption", "told"),
    [
        ("UPDATE rankings_productsales SET units = units + 9", "rank 1"),
        ("UPDATE rankings_productsales SET amount = amount + 1", "stored Sales"),
        ("DELETE FROM rankings_productsales", "stored None"),
        ("INSERT INTO rankings_productsales SELECT max(id), 1, 1 FROM products_product", "recount None"),
    ],
)
def test_check_reports_wrong_sums_and_mends_nothing(http: Client, corruption: str, told: str) -> None:
    a_week_of_sales(http)
    ProductFactory(name="never sold")
    recompute()
    assert "are a recount" in recompute("--check")
    execute(corruption)
    wrong = stored()
    with pytest.raises(CommandError, match=told):
        recompute("--check")
    assert stored() == wrong


def test_check_needs_no_sums(http: Client) -> None:
    a_week_of_sales(http)
    assert "are a recount" in recompute("--check")
    assert stored() == []


def test_order_that_commits_a_minute_late_empties_the_sums_once(http: Client) -> None:
    """By SQL, each of many rows: the window's row gets one new version and not one for each of them."""
    a_week_of_sales(http)
    recompute()
    ((before,),) = execute("SELECT version FROM rankings_saleswindow")
    for age in ("59 seconds", "60 seconds"):
        execute(
            "INSERT INTO orders_order (user_id, subtotal, total, balance_after, ordered_at)"
            " SELECT user_id, 0, 0, 0, now() - %s::interval FROM orders_order, generate_series(1, 5)",
            age,
        )
        ranked(http)
    assert execute("SELECT version, to_at = from_at FROM rankings_saleswindow") == [(before + 1, True)]


def test_rebuild_of_no_sales_succeeds(transactional_db: None) -> None:
    assert "0 added, 0 changed, 0 removed, 0 right already" in recompute()


def test_failure_is_reported_and_changes_nothing(http: Client) -> None:
    a_week_of_sales(http)
    recompute()
    right = stored()
    with broken(*HIDDEN), pytest.raises(CommandError, match="does not exist"):
        recompute()
    assert stored() == right


def test_failure_exits_with_1_and_success_with_0(transactional_db: None) -> None:
    assert [command().returncode, command("--check").returncode, command("--check").stderr] == [0, 0, ""]
    with broken(*HIDDEN):
        failed = command()
    assert failed.returncode == 1
    assert "does not exist" in failed.stderr
    assert "Traceback" not in failed.stderr
    ProductFactory()
    execute("INSERT INTO rankings_productsales SELECT id, 1, 1 FROM products_product")
    assert command("--check").returncode == 1


def test_rebuilding_beside_live_orders_and_beside_itself_is_safe(http: Client) -> None:
    """In threads and in processes; a check finds a recount at every moment of it."""
    ids = a_week_of_sales(http)
    users = [buyer(http) for _ in range(4)]
    rewrite = "UPDATE orders_orderitem SET quantity = quantity + 1 WHERE product_id = %s"
    commands = [(), ("--from-scratch",), (), ("--check",)]

    calls = [lambda new=new: services.recompute(days=3, from_scratch=new).added >= 0 for new in (0, 1) * 3]
    calls += [lambda options=options: command(*options).returncode == 0 for options in commands]
    calls += [
        lambda user=user, pk=pk: http.order(user, {pk: 1}).status == 201 for user in users for pk in ids
    ]
    calls += [lambda: "are a recount" in recompute("--check")] * 4
    calls += [lambda pk=pk: execute(rewrite, pk) == [] for pk in ids]
    assert all(at_once(calls))
    ranked(http)
    recompute()
    assert "0 added, 0 changed, 0 removed" in recompute("--from-scratch")
    recompute("--check")
