"""Files as operators bring them, and what the admin makes of them."""

import csv
import io
from typing import Any

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

PRODUCTS, MEMBERS, COUPONS = "products_product", "users_user", "coupons_coupon"


def as_csv(*rows: Any, encoding: str = "utf-8") -> bytes:
    """Rows as a CSV file; the first one names the columns."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(*rows: Any) -> bytes:
    """Rows as an XLSX file with numbers and moments as such."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def preview(browser, table, content, *, language="ko"):
    """Upload a file; the page that says what it would do."""
    file = SimpleUploadedFile("file.csv", content)
    return browser.post(
        reverse(f"admin:{table}_import"),
        {"import_file": file},
        headers={"Accept-Language": language},
    )


def confirm(browser, table, page, **changes):
    """Say yes to a preview."""
    fields = {**page.context["confirm_form"].initial, **changes}
    return browser.post(reverse(f"admin:{table}_process_import"), fields)


def bring(browser, table, content):
    """Upload a file that is right, and say yes; the answer."""
    page = preview(browser, table, content)
    assert "confirm_form" in page.context, wrong(page)
    return confirm(browser, table, page)


def summary(result):
    """How many rows are new, changed and unchanged."""
    return "-".join(str(result.counts[kind]) for kind in ("new", "changed", "unchanged"))


def wrong(page):
    """What a page says is wrong: of the file, and of its rows by number."""
    if result := page.context.get("result"):
        return {row.number: row.errors for row in result.invalid_rows}
    of_form = [text for texts in page.context["form"].errors.values() for text in texts]
    return page.context.get("errors") or of_form


def fetch(browser, table, kind, *, language="ko", query=""):
    """The export as bytes."""
    url = reverse(f"admin:{table}_export") + query
    answer = browser.post(
        url,
        {"format": {"csv": "0", "xlsx": "1"}[kind]},
        headers={"Accept-Language": language},
    )
    assert answer.streaming, answer.content.decode()[:2000]
    return b"".join(answer.streaming_content)


def rows_of(content):
    """What an exported file says, headings first."""
    if content.startswith(b"PK"):
        return [list(row) for row in openpyxl.load_workbook(io.BytesIO(content)).active.values]
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
