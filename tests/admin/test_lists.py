"""Lists stay fast: a bounded count, as many queries for many rows as for few, searches by an index."""

import re

import pytest
from django.contrib.admin.sites import site
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from unfold.templatetags.unfold_list import result_headers

from backoffice.base import BoundedPaginator
from tests.kit.backoffice import buy, change
from tests.kit.database import execute
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

MEMBERS, ORDERS = reverse("admin:users_user_changelist"), reverse("admin:orders_order_changelist")
LISTS = [
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in site._registry
]


def queries_of(browser, url):
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return [query["sql"] for query in queries]


def make(rows, admin_client):
    for n in range(rows):
        change(admin_client, buy(name=f"회원{n}"), name=f"상품{n}", price=n)


def test_list_sends_as_many_statements_for_fifty_rows_as_for_five(admin_client, transactional_db):
    make(5, admin_client)
    few = {url: len(queries_of(admin_client, url)) for url in LISTS}
    make(45, admin_client)
    assert {url: len(queries_of(admin_client, url)) for url in LISTS} == few


@pytest.mark.parametrize("query", ["", "?q=1", "?q=김"])
def test_list_counts_to_a_bound(admin_client, bought, query):
    for url in LISTS:
        counts = [sql for sql in queries_of(admin_client, url + query) if "COUNT(" in sql]
        assert len(counts) <= 1
        assert all(f"LIMIT {BoundedPaginator.MAX_COUNT + 1}" in sql for sql in counts)


def test_list_longer_than_the_bound_shows_the_bound_and_still_pages(admin_client, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "MAX_COUNT", 60)
    UserFactory.create_batch(61)
    url = reverse("admin:users_user_changelist")
    assert "회원 60건 이상" in admin_client.get(url).content.decode()
    assert len(admin_client.get(f"{url}?p=2").context["cl"].result_list) == 10
    User.objects.order_by("pk").first().delete()
    assert "회원 60명" in (text := admin_client.get(url).content.decode())
    assert "60건 이상" not in text


WORDS = ["<script>'", "1", "#1", "-1", "9" * 40, "%", "김하나", "'", "12345678-1234-1234-1234-123456789abc"]


@pytest.mark.parametrize("words", WORDS)
def test_list_can_be_searched_for_any_text(admin_client, bought, words):
    for url in LISTS:
        assert admin_client.get(url, {"q": words}).status_code == 200


def found(browser, words):
    return {row.pk for row in browser.get(MEMBERS, {"q": words}).context["cl"].result_list}


def test_members_are_found_by_id_and_by_how_the_name_begins(admin_client):
    hana, dul = UserFactory(name="김하나"), UserFactory(name="이하나")
    assert found(admin_client, "김하") == {hana.pk}
    assert found(admin_client, str(dul.pk)) == {dul.pk}
    assert found(admin_client, "하나") == found(admin_client, "%") == set()


@pytest.mark.parametrize(
    ("table", "words"),
    [("users_user", "김"), ("users_user", "7"), ("orders_order", "7"), ("points_pointtransaction", "7"),
     ("coupons_issuedcoupon", "7"), ("points_pointaccount", "7")],
)  # fmt: skip
def test_search_is_answered_by_an_index(admin_client, table, words):
    plan = plan_of_search(admin_client, table, words)
    assert "Index Cond" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_plan_of_a_search_that_reads_every_row_would_be_noticed(admin_client):
    """The comparison can fail: products are few, so their names may be searched anywhere."""
    assert "Index Cond" not in plan_of_search(admin_client, "products_product", "라")


def plan_of_search(browser, table, words):
    """How PostgreSQL would find them if reading a whole table, or a whole index, were very dear."""
    for dear in ("seqscan", "indexscan", "indexonlyscan"):
        execute(f"SET LOCAL enable_{dear} = off")
    sql = queries_of(browser, f"{reverse(f'admin:{table}_changelist')}?q={words}")
    (count,) = [each for each in sql if "COUNT(" in each]
    return "\n".join(line for (line,) in execute(f"EXPLAIN {count}"))


def orders_between(browser, since, until):
    answer = browser.get(ORDERS, {"ordered_at_from": since, "ordered_at_to": until})
    return answer.context["cl"].result_count


def test_filter_by_days_counts_in_seoul_and_includes_both_ends(admin_client, bought):
    execute("UPDATE orders_order SET ordered_at = '2026-11-22T23:59:59+09:00'")
    for since, until in (("2026-11-22", "2026-11-22"), ("2026-11-01", ""), ("", "2026-11-22")):
        assert orders_between(admin_client, since, until) == 1
    for since, until in (("2026-11-23", ""), ("", "2026-11-21")):
        assert orders_between(admin_client, since, until) == 0
    assert orders_between(admin_client, "0001-01-01", "9999-12-31") == 1


LONG = [
    "users_user",
    "points_pointaccount",
    "points_pointtransaction",
    "coupons_issuedcoupon",
    "orders_order",
    "orders_orderevent",
    "admin_logentry",
]


@pytest.mark.parametrize("table", LONG)
def test_long_list_is_sorted_only_as_an_index_has_it(admin_client, bought, table):
    change(admin_client, bought, name="라떼", price=1)
    url = reverse(f"admin:{table}_changelist")
    columns = headers_of(admin_client, url)
    for n, column in enumerate(columns):
        plan = plan_of_page(admin_client, f"{url}?o={n}")
        assert not (column["sortable"] and sorts(plan)), (column["text"], plan)


def headers_of(browser, url):
    return list(result_headers(browser.get(url).context["cl"]))


def sorts(plan):
    """Whether it sorts all rows; those that an index has in order already may be sorted within a tie."""
    return "Sort Key" in plan and "Presorted Key" not in plan


def plan_of_page(browser, url):
    """How PostgreSQL would find a page's rows if sorting were very dear."""
    page = max((sql for sql in queries_of(browser, url) if "ORDER BY" in sql), key=len)
    with transaction.atomic():
        for dear in ("sort", "seqscan", "hashjoin", "mergejoin", "bitmapscan"):
            execute(f"SET LOCAL enable_{dear} = off")
        return "\n".join(line for (line,) in execute(f"EXPLAIN {page}"))


def test_plan_of_a_sort_would_be_noticed(admin_client):
    """The comparison can fail: nothing keeps products, which are few, in the order of their prices."""
    assert sorts(plan_of_page(admin_client, f"{reverse('admin:products_product_changelist')}?o=3"))


@pytest.mark.parametrize(("words", "pages"), [("쿠폰", 2), ("발급", 1), ("없는 것", 0), ("", 0)])
def test_pages_are_found_by_their_name(admin_client, words, pages):
    answer = admin_client.get(reverse("admin:search"), {"s": words, "extended": 1})
    assert answer.status_code == 200
    assert answer.content.decode().count("/admin/coupons/") == pages


def test_member_who_never_charged_is_listed_with_0(admin_client):
    UserFactory()
    page = admin_client.get(MEMBERS).content.decode()
    assert re.search('data-label="잔액">0원<', page)


def test_action_log_names_its_first_column_and_leads_to_no_page_of_an_entry(admin_client, bought):
    change(admin_client, bought, name="라떼", price=1)
    page = admin_client.get(reverse("admin:admin_logentry_changelist")).content.decode()
    assert re.search('<th [^>]*field-action_time[^>]*data-label="시각">[^<]', page)
    assert "/admin/admin/logentry/1" not in page
    assert "레코드 선택" not in page
