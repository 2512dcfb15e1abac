"""Products, members and coupons by file: a preview, then all of the file or nothing."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice import action_log
from backoffice.spreadsheets import slots
from backoffice.spreadsheets.models import Upload
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from products.services import adjust_stock
from tests.kit.files import (
    COUPONS,
    MEMBERS,
    PRODUCTS,
    as_csv,
    as_xlsx,
    bring,
    confirm,
    preview,
    summary,
    wrong,
)
from tests.kit.workbooks import xlsx
from users.models import User

pytestmark = pytest.mark.django_db

HEAD = ("name", "price", "stock")
FILES = {"csv": as_csv, "xlsx": as_xlsx}


@pytest.mark.parametrize("kind", FILES)
def test_import_adds_products_once_its_preview_is_confirmed(admin_client, kind):
    page = preview(admin_client, PRODUCTS, FILES[kind](HEAD, ("아메리카노", 4500, 100), ("라떼", 5000, 7)))
    assert summary(page.context["result"]) == "2-0-0"
    assert not Product.objects.exists()
    assert confirm(admin_client, PRODUCTS, page).status_code == 302
    assert set(Product.objects.values_list("name", "price", "stock")) == {
        ("아메리카노", 4500, 100),
        ("라떼", 5000, 7),
    }
    assert not Upload.objects.exists()


def test_members_may_have_the_same_name(admin_client):
    bring(admin_client, MEMBERS, as_csv(["이름"], ["김하나"], ["김하나"]))
    assert User.objects.filter(name="김하나").count() == 2


@pytest.mark.parametrize("kind", FILES)
def test_coupon_s_type_and_period_are_read_as_people_write_them(admin_client, kind):
    moment = {"csv": "2026-12-01 9:00", "xlsx": datetime(2026, 12, 1, 9)}[kind]  # noqa: DTZ001 - as Excel's are
    head = ["name", "discount_type", "discount_value", "quantity", "max_discount", "opens_at", "closes_at"]
    bring(admin_client, COUPONS, FILES[kind](head, ("반값", "percent", 50, 10, 3000, moment, None)))
    coupon = Coupon.objects.get()
    assert (coupon.discount_type, coupon.max_discount, coupon.closes_at) == ("percent", 3000, None)
    assert coupon.opens_at == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_utf_8_with_and_without_its_mark_and_cp949_are_read(admin_client, encoding):
    bring(
        admin_client, PRODUCTS, as_csv(("상품명", "가격", "재고"), ("똠얌꿍 펩시", 100, 1), encoding=encoding)
    )
    assert Product.objects.get().name == "똠얌꿍 펩시"


@pytest.mark.parametrize("kind", FILES)
def test_whole_number_may_have_a_point_as_excel_writes_it(admin_client, kind):
    bring(admin_client, PRODUCTS, FILES[kind](HEAD, ("a", 12.0, 3)))
    assert Product.objects.get().price == 12


def test_row_with_an_id_changes_what_is_there_and_never_its_stock(admin_client):
    product = ProductFactory(name="전", price=100, stock=10)
    page = preview(admin_client, PRODUCTS, as_csv(("id", *HEAD), (product.pk, "후", 200, 999)))
    assert "<del>100원</del> → <ins>200원</ins> (+100.0 %)" in page.content.decode()
    assert "<td>999" not in page.content.decode()
    assert len(page.context["result"].notices) == 1
    adjust_stock(product_id=product.pk, delta=-4)
    confirm(admin_client, PRODUCTS, page)
    product.refresh_from_db()
    assert (product.name, product.price, product.stock) == ("후", 200, 6)


def test_row_that_changes_nothing_is_counted_and_not_written(admin_client):
    product = ProductFactory(name="a", price=1, stock=1)
    rows = ((product.pk, "a", 1, 1), ("", "b", 1, 1))
    page = preview(admin_client, PRODUCTS, as_csv(("id", *HEAD), *rows))
    assert summary(page.context["result"]) == "1-0-1"
    confirm(admin_client, PRODUCTS, page)
    assert LogEntry.objects.get().is_addition()


def test_file_that_changes_nothing_is_neither_kept_nor_confirmed(admin_client):
    product = ProductFactory(name="a", price=1, stock=1)
    page = preview(admin_client, PRODUCTS, as_csv(("id", *HEAD), (product.pk, "a", 1, 9)))
    shown = page.content.decode()
    assert "이 파일로 바뀌는 것이 없어요. 1건 모두 그대로예요." in shown
    assert str(page.context["result"].notices[0]) in shown  # of the stock, which a file does not set
    assert "confirm_form" not in page.context
    assert not Upload.objects.exists()


def test_ids_in_the_file_leave_the_numbering_right(admin_client):
    bring(admin_client, PRODUCTS, as_csv(("id", *HEAD), (500, "a", 1, 1), ("", "b", 1, 1), (7, "c", 1, 1)))
    assert Product.objects.create(name="d", price=1, stock=1).pk > Product.objects.get(name="b").pk > 500


def test_rows_changed_since_the_preview_are_read_again(admin_client):
    page = preview(admin_client, PRODUCTS, as_csv(("id", *HEAD), (500, "a", 1, 1)))
    Product.objects.create(pk=500, name="somebody else's", price=9, stock=9)
    refused = confirm(admin_client, PRODUCTS, page)
    (said,) = wrong(refused)
    assert str(said) in refused.content.decode()
    assert Product.objects.get().name == "somebody else's"


def test_file_is_imported_once_however_often_it_is_confirmed(admin_client):
    page = preview(admin_client, MEMBERS, as_csv(["name"], ["김하나"]))
    confirm(admin_client, MEMBERS, page)
    answer = confirm(admin_client, MEMBERS, page)
    assert (answer.status_code, answer.url) == (302, reverse("admin:users_user_import"))
    assert User.objects.count() == 1


def test_confirmation_of_a_preview_that_newer_ones_replaced_says_so(admin_client):
    pages = [preview(admin_client, MEMBERS, as_csv(["name"], [f"회원{n}"])) for n in range(6)]
    answer = confirm(admin_client, MEMBERS, pages[0])
    assert "그 뒤에 미리보기를 여러 번 했어요. 다시" in admin_client.get(answer.url).content.decode()
    assert confirm(admin_client, MEMBERS, pages[1]).url == reverse("admin:users_user_changelist")


@pytest.mark.parametrize("name", ["nonsense", "../../etc/passwd", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"])
def test_file_that_nobody_uploaded_is_not_found(admin_client, name):
    page = preview(admin_client, MEMBERS, as_csv(["name"], ["김하나"]))
    assert confirm(admin_client, MEMBERS, page, upload=name).status_code == 302
    assert not User.objects.exists()


def test_row_leaves_an_entry_in_the_log_with_the_file_s_name(admin_client):
    product = ProductFactory(name="a", price=1, stock=1)
    bring(admin_client, PRODUCTS, as_csv(("id", *HEAD), (product.pk, "a", 2, 1), ("", "b", 1, 1)))
    changed, added = LogEntry.objects.order_by("action_flag")[::-1]
    assert (changed.object_id, added.is_addition()) == (str(product.pk), True)
    assert all("file.csv" in action_log.describe(entry) for entry in (changed, added))
    assert action_log.describe(changed) == "가격: 1원 → 2원 · 파일 file.csv에서 가져왔어요."


def test_preview_shows_names_as_they_will_be(admin_client):
    page = preview(admin_client, MEMBERS, as_csv(["name"], ["'=1+1"], ["<b>x</b>"])).content.decode()
    assert all(cell in page for cell in ("<td>=1+1</td>", "<td>&lt;b&gt;x&lt;/b&gt;</td>"))


def test_empty_rows_and_columns_are_ignored(admin_client):
    bring(admin_client, PRODUCTS, as_csv((*HEAD, ""), (), ("", "", "", ""), ("a", 1, 1, ""), ()))
    assert Product.objects.count() == 1


def test_upload_is_imported_by_the_account_that_made_it_alone(admin_client, client):
    page = preview(admin_client, MEMBERS, as_csv(["name"], ["김하나"]))
    client.force_login(get_user_model().objects.create_superuser("anna"))
    assert confirm(client, MEMBERS, page).url == reverse("admin:users_user_import")
    assert confirm(admin_client, PRODUCTS, page).url == reverse("admin:products_product_import")
    assert not User.objects.exists()
    confirm(admin_client, MEMBERS, page)
    assert User.objects.count() == 1


def test_log_names_the_file_that_was_uploaded_whatever_is_confirmed(admin_client):
    page = preview(admin_client, MEMBERS, as_csv(["name"], ["김하나"]))
    confirm(admin_client, MEMBERS, page, original_file_name="other.csv", name="other.csv")
    assert "file.csv" in action_log.describe(LogEntry.objects.get())


def test_preview_names_the_sheet_and_reports_hidden_rows(admin_client):
    def fill(sheet):
        sheet.sheet_state = "hidden"
        other = sheet.parent.create_sheet("회원")
        for name in ("name", "김하나", "이둘"):
            other.append([name])
        other.row_dimensions[3].hidden = True

    page = preview(admin_client, MEMBERS, xlsx(fill)).content.decode()
    assert "시트: 회원 (시트 2개 중 숨기지 않은 첫 시트)" in page
    assert "숨긴 행도 함께 가져와요: 1행" in page


def test_import_at_a_busy_process_is_refused_and_keeps_the_upload(admin_client, monkeypatch):
    page = preview(admin_client, MEMBERS, as_csv(["name"], ["김하나"]))
    monkeypatch.setattr(slots, "WAIT_SECONDS", 0)
    with slots.file_slot(), slots.file_slot():
        assert "다른 파일" in wrong(preview(admin_client, MEMBERS, as_csv(["name"], ["a"])))[0]
        assert confirm(admin_client, MEMBERS, page).status_code == 302
        assert not User.objects.exists()
    confirm(admin_client, MEMBERS, page)
    assert User.objects.count() == 1


def test_request_brings_one_file(admin_client):
    two = [SimpleUploadedFile(name, b"name\na") for name in ("a.csv", "b.csv")]
    answer = admin_client.post(reverse("admin:users_user_import"), {"import_file": two[0], "other": two[1]})
    assert answer.status_code == 400
