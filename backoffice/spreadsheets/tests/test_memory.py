"""What a process needs for a file does not grow with its rows."""

import tracemalloc

import pytest

from backoffice.spreadsheets import importing, staging
from products.models import Product
from products.spreadsheets import ProductSpreadsheet
from tests.kit.files import summary

pytestmark = [pytest.mark.django_db, pytest.mark.long]

FEW, MANY, AT_ONCE = 300, 3_000, 100


def file(rows: int, mark: str) -> bytes:
    """A CSV file of new products, its bytes counted as the caller's."""
    lines = "".join(f"아메리카노 {mark}-{n},4500,100\n" for n in range(rows))
    return f"name,price,stock\n{lines}".encode()


def peak(rows: int, *, staff, dry_run: bool) -> int:
    """The most bytes that an import of so many rows held at once, beside the file itself."""
    content = file(rows, f"{rows}")
    sheet = ProductSpreadsheet()
    seen = importing.preview(spreadsheet=sheet, content=content)
    tracemalloc.start()
    try:
        if dry_run:
            result = importing.preview(spreadsheet=sheet, content=content)
        else:
            result = importing.confirm(
                spreadsheet=sheet,
                content=content,
                file_name="a",
                staff_id=staff.pk,
                fingerprint=seen.fingerprint,
            )
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert summary(result) == summary(seen)


@pytest.fixture(autouse=True)
def little_at_once(monkeypatch):
    """So that a small file is one of many batches."""
    for module in (importing, staging):
        monkeypatch.setattr(module, "BATCH_SIZE", AT_ONCE)


@pytest.fixture
def too_long_to_show(monkeypatch):
    """No row is shown, as in a file of more than 10,000."""
    monkeypatch.setattr(importing, "MAX_SHOWN_ROWS", 0)


@pytest.mark.usefixtures("too_long_to_show")
@pytest.mark.parametrize("dry_run", [True, False], ids=["preview", "import"])
def test_memory_grows_little_when_rows_grow_tenfold(admin_user, dry_run):
    peak(FEW, staff=admin_user, dry_run=dry_run)  # caches
    few, many = (peak(rows, staff=admin_user, dry_run=dry_run) for rows in (FEW + 1, MANY))
    assert many < 2 * few
    assert Product.objects.count() == (0 if dry_run else FEW + FEW + 1 + MANY)


def test_rows_that_are_kept_to_be_shown_would_be_noticed(admin_user):
    peak(FEW, staff=admin_user, dry_run=True)  # caches
    few, many = (peak(rows, staff=admin_user, dry_run=True) for rows in (FEW + 1, MANY))
    assert many > 2 * few
