"""Files beside a running shop: nothing that happens meanwhile is lost, and nothing waits in a circle."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from backoffice import action_log
from backoffice.spreadsheets import importing
from backoffice.spreadsheets.importing import confirm, parsed, preview
from backoffice.spreadsheets.staging import advance_sequence
from core.db.exchange import send
from products.factories import ProductFactory
from products.models import Product
from products.services import take
from products.spreadsheets import ProductSpreadsheet
from tests.kit.client import Client
from tests.kit.database import lock_waiters
from tests.kit.files import as_csv, summary
from tests.kit.operator import Operator, Tab
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer
from users.factories import UserFactory
from users.models import User

HEAD = ("id", "name", "price", "stock")
IMPORT, CONFIRM = (f"/admin/products/product/{page}/" for page in ("import", "process_import"))


def previewed(operator: Operator, content: bytes) -> Tab:
    """The page of a preview that waits for a yes."""
    answer = operator.upload(operator.open(IMPORT), content)
    assert b'name="fingerprint"' in answer.body, answer.body.decode()[-2000:]
    return Tab(CONFIRM, answer.body.decode())


@pytest.mark.long
def test_import_of_2_000_products_adds_and_changes_them_over_http(http: Client) -> None:
    operator = Operator(http).with_session()
    page = previewed(operator, as_csv(HEAD, *(("", f"스콘 {n}", 1000, 5) for n in range(2000))))
    assert operator.send(page).status == 302
    rows = Product.objects.values_list("pk", "name", "price", "stock")
    page = previewed(operator, as_csv(HEAD, *((pk, name, price + 1, 0) for pk, name, price, _ in rows)))
    assert operator.send(page).status == 302
    assert set(Product.objects.values_list("price", "stock")) == {(1001, 5)}


def test_import_of_many_files_over_one_connection_succeeds(http: Client) -> None:
    """What is sent often is prepared there, against temporary tables that come and go."""
    operator, product = Operator(http).with_session(), ProductFactory(name="스콘", price=1000)
    for price in range(1001, 1013):
        page = previewed(operator, as_csv(HEAD, (product.pk, "스콘", price, 5), ("", f"새 {price}", 1, 1)))
        assert operator.send(page).status == 302
    product.refresh_from_db()
    assert (product.price, Product.objects.count()) == (1012, 13)


def test_import_of_prices_beside_orders_loses_no_unit(http: Client) -> None:
    """Each order pays the price before or after; what was sold and what is left add up."""
    user, products = buyer(http), ProductFactory.create_batch(20, price=100, stock=1000)
    operator = Operator(http).with_session()
    page = previewed(operator, as_csv(HEAD, *((each.pk, each.name, 200, 1000) for each in products)))
    ids = [each.pk for each in products]

    def order(turn: int) -> int:
        basket = ids[turn % 20 :] + ids[: turn % 20]
        answer = http.order(user, dict.fromkeys(basket[:5], 1))
        assert {item["unit_price"] for item in answer.json["items"]} <= {100, 200}, answer.body
        return answer.status

    with ThreadPoolExecutor(5) as pool:
        imported = pool.submit(operator.send, page)
        statuses = list(pool.map(order, range(80)))
    assert imported.result().headers["Location"] == "/admin/products/product/", operator.open(IMPORT).text
    assert set(statuses) == {201}
    assert sum(1000 - each.stock for each in Product.objects.all()) == 80 * 5
    assert set(Product.objects.values_list("price", flat=True)) == {200}


def test_import_that_wrote_a_stock_it_had_read_would_lose_units(db: None) -> None:
    """The control: what an import would do to a sale if it wrote rows as it had read them."""
    product = ProductFactory(stock=10)
    read_before = Product.objects.get()
    send(take(product_id=product.pk, quantity=3))
    read_before.save()
    assert Product.objects.get().stock == 10


@contextmanager
def a_row_held(product: Product):
    with transaction.atomic():
        list(Product.objects.locked(product_id=product.pk))
        yield


def test_import_that_waits_too_long_for_a_row_is_refused_and_writes_nothing(http: Client) -> None:
    first, second = ProductFactory(price=1), ProductFactory(price=1)
    operator = Operator(http).with_session()
    page = previewed(operator, as_csv(HEAD, *((each.pk, each.name, 2, 0) for each in (first, second))))
    with a_row_held(second):
        answer = operator.send(page)
    assert (answer.status, answer.headers["Location"]) == (302, IMPORT)
    assert "같은 행" in operator.open(IMPORT).text
    assert set(Product.objects.values_list("price", flat=True)) == {1}


def test_import_of_one_file_twice_at_once_is_one(http: Client) -> None:
    operator = Operator(http).with_session()
    page = Tab("/admin/users/user/import/", operator.open("/admin/users/user/import/").text)
    answer = operator.upload(page, as_csv(["name"], *[["김하나"]] * 50))
    confirmed = Tab("/admin/users/user/process_import/", answer.body.decode())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(operator.send, [confirmed] * 4))
    assert User.objects.count() == 50


def test_imports_of_two_uploads_of_one_file_at_once_are_one(http: Client) -> None:
    operator = Operator(http).with_session()
    content = as_csv(HEAD[1:], *((f"스콘 {n}", 1, 1) for n in range(500)))
    pages = [previewed(operator, content) for _ in range(2)]
    at_once([lambda page=page: operator.send(page) for page in pages])
    assert (Product.objects.count(), LogEntry.objects.count()) == (500, 500)


def test_import_of_a_row_that_others_change_while_it_waits_is_refused(transactional_db, admin_user) -> None:
    product = ProductFactory(price=1)
    file = {"spreadsheet": ProductSpreadsheet(), "content": as_csv(("id", "price"), (product.pk, 2))}
    seen = preview(**file).fingerprint

    def confirm_elsewhere():
        try:
            return confirm(**file, staff_id=admin_user.pk, file_name="a.csv", fingerprint=seen)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with a_row_held(product):
            confirming = pool.submit(confirm_elsewhere)
            until(lock_waiters)
            Product.objects.update(price=5)
        (row,) = confirming.result().invalid_rows
    assert (row.number, Product.objects.get().price) == (2, 5)


def test_import_over_a_value_that_the_preview_did_not_show_is_refused(admin_user) -> None:
    """Others also undid what the file changed first, so that as many rows change as before."""
    first, second = ProductFactory(price=50), ProductFactory(price=200)
    rows = (first.pk, first.name, 100, 1), (second.pk, second.name, 200, 1)
    file = {"spreadsheet": ProductSpreadsheet(), "content": as_csv(HEAD, *rows)}
    seen = preview(**file)
    Product.objects.filter(pk=first.pk).update(price=100)
    Product.objects.filter(pk=second.pk).update(price=250)
    assert summary(preview(**file)) == summary(seen)
    with pytest.raises(ValidationError, match="미리보기"):
        confirm(**file, staff_id=admin_user.pk, file_name="a.csv", fingerprint=seen.fingerprint)
    assert {*Product.objects.values_list("price", flat=True)} == {100, 250}


def test_rows_added_while_ids_are_reserved_never_collide(transactional_db: None) -> None:
    """Operators add members one by one while imports bring ids of their own, each ahead of the numbering."""
    together = Barrier(4)

    def add() -> list[int]:
        together.wait()
        return [UserFactory().pk for _ in range(50)]

    def reserve() -> list[int]:
        together.wait()
        return [_reserved(gap) for gap in range(1, 51)]

    *added, reserved = at_once([add, add, add, reserve])
    assert len({pk for each in added for pk in each}) == 150
    assert UserFactory().pk > max(reserved)


def test_id_ahead_of_the_sequence_would_be_given_out_again(db: None) -> None:
    """The control: an insert with an id of its own tells the numbering nothing."""
    newest = UserFactory()
    User.objects.create(pk=newest.pk + 1, name="김하나")
    with pytest.raises(IntegrityError):
        UserFactory()


def _reserved(gap: int) -> int:
    newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    advance_sequence(model=User, up_to=newest + gap)
    return newest + gap


def test_preview_writes_nothing_takes_no_number_and_locks_nothing(transactional_db: None) -> None:
    product = ProductFactory(price=1)
    content = as_csv(HEAD, (product.pk, product.name, 2, 0), ("", "새 상품", 1, 1))
    with a_row_held(product), ThreadPoolExecutor(1) as pool:

        def preview_elsewhere():
            try:
                return summary(preview(spreadsheet=ProductSpreadsheet(), content=content))
            finally:
                connection.close()

        assert pool.submit(preview_elsewhere).result(timeout=10) == "1-1-0"
    assert Product.objects.get().price == 1
    assert ProductFactory().pk == product.pk + 1


@pytest.mark.long
def test_import_of_more_than_10_000_rows_is_checked_without_preview_and_logged_as_one(admin_user) -> None:
    rows = [("", f"스콘 {n}", 1000, 5) for n in range(10_001)]
    file = {"spreadsheet": ProductSpreadsheet(), "content": as_csv(HEAD, *rows)}
    result = preview(**file)
    assert (result.is_too_long_to_show, result.rows, summary(result)) == (True, [], "10001-0-0")
    confirm(**file, staff_id=admin_user.pk, file_name="all.csv", fingerprint=result.fingerprint)
    assert Product.objects.count() == 10_001
    assert "10,001" in action_log.describe(LogEntry.objects.get())


def test_import_of_a_big_file_logs_old_and_new_values_of_each_changed_row(admin_user, monkeypatch) -> None:
    monkeypatch.setattr(importing, "MAX_SHOWN_ROWS", 1)
    products = [ProductFactory(name=name, price=1, stock=1) for name in ("a", "b")]
    file = {
        "spreadsheet": ProductSpreadsheet(),
        "content": as_csv(HEAD, *((each.pk, each.name, 5, 1) for each in products), ("", "c", 1, 1)),
    }
    confirm(**file, staff_id=admin_user.pk, file_name="all.csv", fingerprint=preview(**file).fingerprint)
    told = {entry.object_id: action_log.describe(entry) for entry in LogEntry.objects.all()}
    assert told.pop(None) == "파일 all.csv: 1건을 추가하고 2건을 바꿨어요."
    assert {pk: text[:11] for pk, text in told.items()} == {str(p.pk): "가격: 1원 → 5원" for p in products}


def test_mistake_in_the_last_of_many_rows_refuses_the_file(admin_user) -> None:
    rows = [*(("", f"스콘 {n}", 1000, 5) for n in range(2_500)), ("", "x", -1, 0)]
    file = {"spreadsheet": ProductSpreadsheet(), "content": as_csv(HEAD, *rows)}
    result = confirm(**file, staff_id=admin_user.pk, file_name="x", fingerprint="")
    assert [row.number for row in result.invalid_rows] == [2_502]
    assert not Product.objects.exists()


@pytest.mark.parametrize("count", [100_000, 100_001])
def test_file_has_100_000_rows_at_most(count: int) -> None:
    content = b"name\n" + b"x\n" * count
    if count > 100_000:
        with pytest.raises(ValidationError, match="100,000"), parsed(content):
            pass
    else:
        with parsed(content) as (_report, parsed_rows):
            assert len(list(parsed_rows)) == 1 + count
