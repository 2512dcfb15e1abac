"""Products brought in by file."""

from playwright.sync_api import expect

from products.models import Product
from tests.browser.visitor import Visitor
from tests.kit.files import as_csv

HEADINGS = ("name", "price", "stock")


def upload(visitor: Visitor, *rows: tuple[object, ...]) -> None:
    """Choose a file and ask what it would do."""
    page = visitor.page
    file = {"name": "products.csv", "mimeType": "text/csv", "buffer": as_csv(HEADINGS, *rows)}
    page.locator("input[type=file]").set_input_files([file])
    page.get_by_role("button", name="미리보기").click()


def test_file_with_an_error_imports_nothing_and_the_mended_one_all(staff: Visitor) -> None:
    page = staff.open("products/product/")
    page.get_by_role("link", name="가져오기").click()
    upload(staff, ("아메리카노", 4500, 100), ("카페라떼", "오천 원", 50))
    wrong = page.locator(".file-table tbody tr")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("3")
    expect(wrong).to_contain_text("오천 원")
    staff.picture("import-error")
    assert not Product.objects.exists()
    upload(staff, ("아메리카노", 4500, 100), ("카페라떼", 5000, 50))
    expect(page.locator(".file-table tbody tr")).to_have_count(2)
    staff.picture("import-preview")
    assert not Product.objects.exists()
    page.get_by_role("button", name="가져오기").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    assert set(Product.objects.values_list("name", "price", "stock")) == {
        ("아메리카노", 4500, 100),
        ("카페라떼", 5000, 50),
    }
