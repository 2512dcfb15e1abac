"""The job of restocking 30 products by file."""

from playwright.sync_api import expect

from products.factories import ProductFactory
from products.models import Product
from tests.browser.visitor import Visitor
from tests.kit.files import as_csv

AT_MOST = 6


def test_restocking_30_products_by_file_takes_few_clicks(staff: Visitor) -> None:
    products = ProductFactory.create_batch(30, stock=34)
    ProductFactory(stock=34)
    page = staff.open("products/product/")
    staff.click(page.get_by_role("link", name="가져오기"))
    staff.picture("restock-upload")
    with page.expect_download() as template:
        staff.click(page.get_by_role("link", name="재고 조정 XLSX"))
    assert template.value.suggested_filename == "Product-restock.xlsx"
    rows = [("번호", "재고 증감", "사유"), *((each.pk, 50, "주간 입고") for each in products)]
    file = {"name": "restock.csv", "mimeType": "text/csv", "buffer": as_csv(*rows)}
    staff.choose(page.locator("input[type=file]"), file)
    staff.click(page.get_by_role("button", name="미리보기"))
    expect(page.locator(".file-table tbody tr")).to_have_count(30)
    expect(page.locator(".file-table tbody tr").first).to_contain_text("34 → 84")
    staff.picture("restock-preview")
    staff.click(page.get_by_role("button", name="가져오기"))
    expect(page.locator("#result_list tbody tr")).to_have_count(31)
    staff.picture("restock-done")
    assert staff.actions <= AT_MOST
    assert Product.objects.filter(stock=84).count() == 30


def test_preview_shows_only_changed_rows_by_default(staff: Visitor) -> None:
    same, other = ProductFactory(price=4500), ProductFactory(price=4500)
    page = staff.open("products/product/import/")
    rows = [("번호", "가격"), (same.pk, 4500), (other.pk, 45_000)]
    file = {"name": "prices.csv", "mimeType": "text/csv", "buffer": as_csv(*rows)}
    page.locator("input[type=file]").set_input_files([file])
    page.get_by_role("button", name="미리보기").click()
    shown = page.locator(".file-table tbody tr:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("(+900.0 %)")
    staff.picture("price-preview")
    page.get_by_label("바뀌는 것만").click()
    expect(shown).to_have_count(2)
    page.set_viewport_size({"width": 390, "height": 844})
    staff.picture("price-preview-390")
    assert staff.overflow() == 0
