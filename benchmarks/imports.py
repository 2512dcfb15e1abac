"""python -m benchmarks.imports: how long the admin takes for files of products, and how its memory grows.

One web process on servers of its own, asked over HTTP as a browser asks. Orders for products that are being
changed go on meanwhile: their number and their slowest answer stand beside each step.
"""

import argparse
import csv
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import openpyxl

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402

from products.models import Product  # noqa: E402
from tests.kit import platforms  # noqa: E402
from tests.kit.client import Client  # noqa: E402
from tests.kit.invariants import broken_rules  # noqa: E402
from tests.kit.operator import Operator, Tab  # noqa: E402
from tests.kit.shop import Shop, own_servers  # noqa: E402
from users.models import User  # noqa: E402

ROWS = [10_000, 100_000]
BUYERS, SOLD = 2, 100
MEMBERS = 1_000_000


class Bench:
    """A shop under orders, and an operator who imports files."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.operator = Operator(Client(shop.http.url, timeout=600)).with_session()
        children = Path(f"/proc/{shop.web.running.pid}/task/{shop.web.running.pid}/children").read_text()
        (self.pid,) = children.split()

    def step(self, name: str, work: Any) -> Any:
        """Do it, and say how long it took, how far the web process grew, and the slowest order."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        before, began = self._megabytes("VmRSS"), time.perf_counter()
        with self._orders() as taken:
            result = work()
        seconds = time.perf_counter() - began
        peak, slowest = self._megabytes("VmHWM"), max(taken, default=0.0)
        memory, waits = f"{before:4.0f} → {peak:4.0f} MB", f"{len(taken):5} orders, ≤ {slowest:.2f} s"
        print(f"{name:<48} {seconds:6.1f} s   {memory}   {waits}", flush=True)
        return result

    def _megabytes(self, what: str) -> float:
        (line,) = (x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if x.startswith(what))
        return int(line.split()[1]) / 1024

    @contextmanager
    def _orders(self) -> Iterator[list[float]]:
        taken: list[float] = []
        over = threading.Event()
        buyers = [threading.Thread(target=self._buy, args=(n, taken, over)) for n in range(BUYERS)]
        for buyer in buyers:
            buyer.start()
        yield taken
        over.set()
        for buyer in buyers:
            buyer.join()

    def _buy(self, number: int, taken: list[float], over: threading.Event) -> None:
        turn = number
        while not over.wait(0.05):
            turn += BUYERS
            began = time.perf_counter()
            answer = self.shop.http.order(1, {1 + turn % SOLD: 1})
            taken.append(time.perf_counter() - began)
            if answer.status != 201:
                print(f"    an order was answered {answer.status} {answer.body[:90]!r}")

    def bring(self, what: str, content: bytes) -> None:
        """A preview, and its import."""
        tab = self.operator.open("/admin/products/product/import/")
        answer = self.step(
            f"{what}: preview of {len(content) / 1e6:.1f} MB", lambda: self.operator.upload(tab, content)
        )
        page = Tab("/admin/products/product/process_import/", answer.body.decode())
        assert 'name="fingerprint"' in page.text, page.text[-5000:]
        answer = self.step(f"{what}: import", lambda: self.operator.send(page))
        assert answer.status == 302, answer.body.decode()[-3000:]

    def fetch(self, rows: str, kind: int) -> bytes:
        """An export of all rows of a kind."""
        tab = self.operator.open(f"/admin/{rows}/export/")
        return self.operator.send(tab, format=str(kind)).body


def csv_of(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def xlsx_of(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as an XLSX file."""
    book, file = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(file)
    return file.getvalue()


def new(count: int, mark: str) -> list[Sequence[Any]]:
    """Products that are not there yet."""
    return [
        ("상품명", "가격", "재고"),
        *((f"아메리카노 {mark}-{n}", 4000 + n % 100, 100) for n in range(count)),
    ]


def measure(bench: Bench, count: int) -> None:
    """Products that are new by CSV and by XLSX, out again, and back with other prices."""
    bench.bring(f"{count:,} new, CSV", csv_of(new(count, f"c{count}")))
    bench.bring(f"{count:,} new, XLSX", xlsx_of(new(count, f"x{count}")))
    exported = bench.step("all products out, CSV", lambda: bench.fetch("products/product", 0))
    rows = list(csv.reader(io.StringIO(exported.decode("utf-8-sig"), newline="")))[: count + 1]
    changed = [rows[0], *([pk, name, int(price) + 1, *more] for pk, name, price, *more in rows[1:])]
    bench.bring(f"{count:,} with other prices, CSV", csv_of(changed))


def main() -> None:
    """Read the options, open a shop, measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=main.__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with own_servers(folder) as servers, platforms.receiver(folder) as platform:
            shop = Shop(servers=servers, platform=platform, folder=folder)
            shop.web.env["WEB_CONCURRENCY"] = "1"
            try:
                shop.web.start()
                _open(shop, rows)
            finally:
                shop.kill()


def _open(shop: Shop, sizes: Sequence[int]) -> None:
    buyer = User.objects.create(name="김하나")
    Product.objects.bulk_create(Product(name=f"스콘 {n}", price=1000, stock=10**9) for n in range(SOLD))
    shop.http.charge(buyer, 10**12)
    bench = Bench(shop)
    for count in sizes:
        measure(bench, count)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO users_user (name) SELECT '김하나' FROM generate_series(1, %s)", [MEMBERS])
    bench.step(f"{MEMBERS:,} members out, CSV", lambda: bench.fetch("users/user", 0))
    print(f"audit: {broken_rules() or 'clean'}")


if __name__ == "__main__":
    main()
