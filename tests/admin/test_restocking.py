"""Stocks by file: a column of differences and one of reasons, beside orders."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from backoffice import action_log
from backoffice.spreadsheets import importing, sql
from core.db.exchange import send
from products.factories import ProductFactory
from products.models import Product
from products.services import adjust_stock, take
from products.spreadsheets import ProductSpreadsheet
from tests.kit.database import held, lock_waiters
from tests.kit.files import (
    COUPONS,
    PRODUCTS,
    as_csv,
    as_xlsx,
    bring,
    confirm,
    preview,
    wrong,
)

pytestmark = pytest.mark.django_db


HEAD = ("id", "stock_change", "reason")


MAX_BIGINT = 2**63 - 1


def shown(page) -> str:
    """The rows of a preview."""
    return " ".join(page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0].split())


@pytest.mark.parametrize("kind", [as_csv, as_xlsx])
@pytest.mark.parametrize(
    "head", [HEAD, ("번호", "재고 증감", "사유"), ("Number", "Adjust stock by", "Reason")]
)
def test_restock_shows_the_stock_before_and_after_and_logs_it_with_its_reason(admin_client, kind, head):
    product = ProductFactory(stock=34)
    page = preview(admin_client, PRODUCTS, kind(head, (product.pk, 50, "입고")))
    assert f"변경: {product}</td>" in shown(page)
    assert "<td>+50: <del>34</del> → <ins>84</ins></td><td>입고</td>" in shown(page)
    assert confirm(admin_client, PRODUCTS, page).status_code == 302
    product.refresh_from_db()
    assert product.stock == 84
    (entry,) = LogEntry.objects.all()
    assert entry.object_id == str(product.pk)
    with translation.override("ko"):
        said = action_log.describe(entry)
    assert "재고: 34개 → 84개 (사유: 입고)" in said
    assert "file.csv" in said


@pytest.mark.parametrize(("difference", "stock"), [("+5", 15), ("-10", 0), ("0", 10), ("", 10), ("5.0", 15)])
def test_difference_is_read_as_people_write_it(admin_client, difference, stock):
    product, other = ProductFactory.create_batch(2, stock=10)
    bring(admin_client, PRODUCTS, as_csv(HEAD, (product.pk, difference, "재고 조사"), (other.pk, 1, "입고")))
    product.refresh_from_db()
    assert product.stock == stock
    assert LogEntry.objects.filter(object_id=product.pk).count() == (stock != 10)


def test_restock_adds_to_what_orders_left_since_the_preview(admin_client):
    product = ProductFactory(stock=34)
    page = preview(admin_client, PRODUCTS, as_csv(HEAD, (product.pk, 50, "입고")))
    adjust_stock(product_id=product.pk, delta=-4)
    confirm(admin_client, PRODUCTS, page)
    product.refresh_from_db()
    assert product.stock == 80
    assert action_log.describe(LogEntry.objects.get()).count("30") == 1


def test_restock_with_a_price_changes_both_and_never_sets_the_stock(admin_client):
    product = ProductFactory(name="라떼", price=4500, stock=10)
    head = ("id", "name", "price", "stock", "stock_change", "reason")
    page = preview(admin_client, PRODUCTS, as_csv(head, (product.pk, "라떼", 4900, 999, -3, "파손")))
    assert "재고 증감" in page.context["result"].notices[0]
    confirm(admin_client, PRODUCTS, page)
    product.refresh_from_db()
    assert (product.price, product.stock) == (4900, 7)
    assert "가격" in action_log.describe(LogEntry.objects.get())


@pytest.mark.parametrize(
    ("difference", "reason", "column"),
    [
        (-11, "파손", "재고 증감"),
        (MAX_BIGINT, "입고", "재고 증감"),
        ("9223372036854775808", "입고", "재고 증감"),
        ("1,000", "입고", "재고 증감"),
        ("++5", "입고", "재고 증감"),
        (1.5, "입고", "재고 증감"),
        (5, "", "사유"),
        (5, "가" * 201, "사유"),
    ],
)
def test_difference_that_does_not_fit_is_refused_by_row_and_column(admin_client, difference, reason, column):
    fits, product = ProductFactory(stock=10), ProductFactory(stock=10)
    content = as_csv(HEAD, (fits.pk, 5, "입고"), (product.pk, difference, reason))
    assert {row: [*errors] for row, errors in wrong(preview(admin_client, PRODUCTS, content)).items()} == {
        3: [column]
    }
    assert set(Product.objects.values_list("stock", flat=True)) == {10}


def test_difference_of_a_product_that_is_not_there_is_refused(admin_client):
    full = ("id", "name", "price", "stock", "stock_change", "reason")
    found = wrong(
        preview(admin_client, PRODUCTS, as_csv(full, (999, "a", 1, 1, 5, "입고"), ("", "b", 1, 1, 5, "입고")))
    )
    assert [[*errors] for errors in found.values()] == [["재고 증감"]] * 2
    found = wrong(preview(admin_client, PRODUCTS, as_csv(HEAD, (999, 5, "입고"), ("", 5, "입고"))))
    assert [[*errors] for errors in found.values()] == [["id"]] * 2
    assert all("상품명, 가격, 재고" in errors["id"][0] for errors in found.values())


def test_restock_twice_in_one_file_is_refused(admin_client):
    product = ProductFactory()
    assert set(wrong(preview(admin_client, PRODUCTS, as_csv(HEAD, *[(product.pk, 5, "입고")] * 2)))) == {3}


def test_restock_that_no_longer_fits_is_refused_by_row_and_writes_nothing(admin_client):
    first, second, third = ProductFactory.create_batch(3, stock=10)
    content = as_csv(HEAD, *((each.pk, -8, "반품") for each in (first, second, third)))
    page = preview(admin_client, PRODUCTS, content)
    adjust_stock(product_id=second.pk, delta=-5)
    refused = confirm(admin_client, PRODUCTS, page)
    assert wrong(refused) == {3: {"재고 증감": ["지금 남은 재고는 5개예요. 그보다 많이 뺄 수 없어요."]}}
    assert [*Product.objects.order_by("pk").values_list("stock", flat=True)] == [10, 5, 10]
    assert not LogEntry.objects.exists()


def confirmed_while_an_order_takes(staff, *, delta: int):
    """Confirm a difference and a price while an order that takes 5 of 10 has not committed yet."""
    product = ProductFactory(price=100, stock=10)
    content = as_csv(("id", "price", "stock_change", "reason"), (product.pk, 110, delta, "재고 조사"))
    file = {"spreadsheet": ProductSpreadsheet(), "content": content}
    seen = importing.preview(**file).fingerprint

    def confirm_elsewhere():
        try:
            return importing.confirm(**file, staff_id=staff.pk, file_name="a.csv", fingerprint=seen)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with held("products_product", "id", product.pk):
            confirming = pool.submit(confirm_elsewhere)
            while not lock_waiters():
                assert not confirming.done(), confirming.result()
            send(take(product_id=product.pk, quantity=5))
        return confirming.result()


@pytest.fixture
def without_lock(monkeypatch):
    """The rows of a file are compared with what was read, and not locked."""
    unlocked = sql.LOCK_CHANGED.replace("FOR NO KEY UPDATE OF stored", "")
    monkeypatch.setattr(sql, "LOCK_CHANGED", unlocked)


@pytest.fixture
def without_versions(monkeypatch):
    """The rows of a file are locked, and taken as they were read."""
    as_read = sql.LOCK_CHANGED.replace("stored.xmin::text::bigint = version", "true")
    monkeypatch.setattr(sql, "LOCK_CHANGED", as_read)


@pytest.mark.django_db(transaction=True)
def test_restock_beside_an_order_is_checked_once_the_order_has_committed(admin_user):
    result = confirmed_while_an_order_takes(admin_user, delta=-8)
    (row,) = result.invalid_rows
    product = Product.objects.get()
    assert ([*row.errors], row.cells) == (["재고 증감"], [product.pk, 110, -8, "재고 조사"])
    assert (product.price, product.stock) == (100, 5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_lock")
def test_restock_without_the_lock_would_be_checked_too_early(admin_user):
    """The control: the constraint alone refuses it, and no row is named."""
    with pytest.raises(IntegrityError, match="product_stock_not_negative"):
        confirmed_while_an_order_takes(admin_user, delta=-8)


@pytest.mark.django_db(transaction=True)
def test_log_of_a_restock_beside_an_order_has_the_stock_that_the_order_left(admin_user):
    confirmed_while_an_order_takes(admin_user, delta=50)
    assert "5개 → 55개" in action_log.describe(LogEntry.objects.get())
    assert Product.objects.get().stock == 55


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guard", ["without_lock", "without_versions"])
def test_log_of_a_restock_without_a_guard_would_be_wrong(admin_user, request, guard):
    """The control: what was read before the order committed."""
    request.getfixturevalue(guard)
    confirmed_while_an_order_takes(admin_user, delta=50)
    assert "10개 → 60개" in action_log.describe(LogEntry.objects.get())
    assert Product.objects.get().stock == 55


def test_restock_takes_as_many_statements_for_60_products_as_for_one(admin_client):
    statements = []
    bring(admin_client, PRODUCTS, as_csv(HEAD, (ProductFactory().pk, 5, "입고")))  # caches
    for products in ([ProductFactory()], ProductFactory.create_batch(60)):
        page = preview(admin_client, PRODUCTS, as_csv(HEAD, *((each.pk, 5, "입고") for each in products)))
        with CaptureQueriesContext(connection) as queries:
            assert confirm(admin_client, PRODUCTS, page).status_code == 302
        statements.append(len(queries))
    assert statements[0] == statements[1]
    assert LogEntry.objects.count() == 62


def test_restock_of_more_rows_than_are_logged_one_by_one_is_refused(admin_client, monkeypatch):
    monkeypatch.setattr(importing, "MAX_SHOWN_ROWS", 2)
    products = ProductFactory.create_batch(3)
    content = as_csv(HEAD, *((each.pk, 5, "입고") for each in products))
    assert wrong(preview(admin_client, PRODUCTS, content))[0].startswith("파일 하나로 상품 2개까지")


def test_restock_within_many_other_rows_is_logged_product_by_product(admin_client, monkeypatch):
    monkeypatch.setattr(importing, "MAX_SHOWN_ROWS", 2)
    restocked, *others = ProductFactory.create_batch(3, price=100)
    head = ("id", "price", "stock_change", "reason")
    rows = [(restocked.pk, 100, 5, "입고"), *((each.pk, 110, "", "") for each in others)]
    bring(admin_client, PRODUCTS, as_csv(head, *rows))
    *of_rows, of_file = LogEntry.objects.order_by("pk").values_list("object_id", flat=True)
    assert (of_file, of_rows) == (None, [str(each.pk) for each in (restocked, *others)])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (4500, 4900, "<del>4,500원</del> → <ins>4,900원</ins> (+8.9 %)</td>"),
        (4500, 4000, "(-11.1 %)</td>"),
        (4500, 45_000, '(+900.0 %) <strong class="file-warning">이전 가격의 10배'),
        (4500, 44_990, "(+899.8 %)</td>"),
        (4500, 450, '(-90.0 %) <strong class="file-warning">이전 가격의 10분의 1'),
        (4500, 460, "(-89.8 %)</td>"),
        (4500, 0, '<ins>0원</ins> <strong class="file-warning">가격이 0원'),
        (0, 4500, "<ins>4,500원</ins></td>"),
        (0, 0, "<td>0원</td>"),
    ],
)
def test_price_shows_by_how_much_it_changes_and_warns_of_slips(admin_client, before, after, said):
    product = ProductFactory(price=before)
    page = preview(admin_client, PRODUCTS, as_csv(("id", "price"), (product.pk, after)))
    assert said in shown(page)
    assert len(page.context["result"].notices) == said.count("file-warning")
    assert ("confirm_form" in page.context) is (before != after)


def test_new_product_at_no_price_is_warned_of(admin_client):
    page = preview(admin_client, PRODUCTS, as_csv(("name", "price", "stock"), ("a", 0, 1000)))
    assert "0원 <strong" in shown(page)
    assert "<td>1,000</td>" in shown(page)


def test_preview_of_coupons_has_units(admin_client):
    head = ("name", "discount_type", "discount_value", "quantity", "max_discount")
    page = preview(
        admin_client, COUPONS, as_csv(head, ("a", "percent", 10, 1000, 3000), ("b", "fixed", 3000, 1, ""))
    )
    assert all(f"<td>{cell}</td>" in shown(page) for cell in ("10%", "3,000원", "1,000"))


def test_preview_has_rows_that_stay_as_they_are_hidden_at_first(admin_client):
    same, other = ProductFactory.create_batch(2, price=100)
    page = preview(admin_client, PRODUCTS, as_csv(("id", "price"), (same.pk, 100), (other.pk, 200)))
    assert [row.kind for row in page.context["result"].rows] == ["unchanged", "changed"]
    assert shown(page).count('<tr class="file-unchanged"><td>그대로: ') == 1
    assert 'id="only-changes" class="file-switch" checked' in page.content.decode()
