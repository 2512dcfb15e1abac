"""The pictures of the manual, of a shop with a month behind it, in both languages.

They are `manual/<language>/*.webp` among the screenshots; CONTRIBUTING.md says where they go.
"""

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.models import User as StaffAccount
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Locator, expect

from backoffice.refusals.models import Refusal
from coupons.models import Coupon
from orders.models import OrderEvent, OrderItem
from points.models import PointTransaction
from products.models import Product
from rankings import hours, services
from tests.browser.visitor import PICTURES, Visitor
from tests.kit.backoffice import page_of
from tests.kit.files import as_csv
from tests.kit.processes import ROOT
from users.models import User

PASSWORD = "only for the picture"
FOLDERS = {"ko": ROOT / "docs" / "ko" / "manual", "en": ROOT / "docs" / "manual"}
WIDTH, WIDTH_WITH_MENU, MOST_HEIGHT, MARGIN = 1100, 1280, 760, 12
ENGLISH = {
    Product: ["Americano", "Vanilla latte", "Caffè latte", "Lemonade", "Cold brew", "Cheesecake", "Scone"],
    User: ["Hana Kim", "Minjun Lee", "Seoyeon Park", "Jihoon Choi", "Yuna Jung"],
    Coupon: ["Opening day, 1,000 won", "Ten percent off", "Half price on Saturday night", "Rainy day", "May"],
}
TEXTS = {
    "ko": {
        "reason": "주간 입고",
        "coupon": "여름 할인",
        "product": "제주 말차 라떼",
        "filters": "필터",
        "last week": "지난주",
        "export": "내보내기",
    },
    "en": {
        "reason": "Weekly delivery",
        "coupon": "Summer sale",
        "product": "Jeju matcha latte",
        "filters": "Filters",
        "last week": "Last week",
        "export": "Export",
    },
}


class Photographer:
    """Opens pages in one language, and keeps a part of each for the manual."""

    def __init__(self, staff: Visitor, language: str) -> None:
        self.staff, self.language, self.page = staff.speak(language), language, staff.page
        self.folder = PICTURES / "manual" / language
        self.folder.mkdir(parents=True, exist_ok=True)
        self.devtools = self.page.context.new_cdp_session(self.page)

    def keep(
        self, name: str, part: str | Locator = "#main", *, width: int = WIDTH, height: int = MOST_HEIGHT
    ) -> None:
        """A picture of a part of the page, from its top, as WebP, which alone is small enough and sharp."""
        # What sticks to the end of the screen covers a form's end, but not the rows of a list.
        is_screen = part in {"#main", "body"}
        self.page.set_viewport_size({"width": width, "height": height if is_screen else 2 * MOST_HEIGHT})
        shown = self.page.locator(part).first if isinstance(part, str) else part
        self.page.evaluate("scrollTo(0, 0)")
        box = shown.bounding_box()
        assert box, name
        clip = {
            "x": max(0, box["x"] - MARGIN),
            "y": max(0, box["y"] - MARGIN),
            "width": min(width, box["width"] + 2 * MARGIN),
            "height": min(height, box["height"] + 2 * MARGIN),
            "scale": 1,
        }
        options = {"format": "webp", "quality": 80, "clip": clip, "captureBeyondViewport": True}
        taken = self.devtools.send("Page.captureScreenshot", options)
        (self.folder / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))

    def upload(self, path: str, *rows: tuple[object, ...]) -> None:
        """Send a file to an import's page, for its preview."""
        self.staff.open(path)
        file = {"name": "file.csv", "mimeType": "text/csv", "buffer": as_csv(*rows)}
        self.page.locator("input[type=file]").set_input_files([file])
        self.page.locator("#content button[type=submit]").click()
        expect(self.page.locator(".file-table")).to_be_visible()


def open_for_a_month(language: str) -> None:
    """A month of demo data whose rows have names in the language, with some events and orders that failed."""
    call_command("seed_demo", days=30, verbosity=0)
    services.recompute(days=3, from_scratch=True)
    hours.fill_hours()
    OrderEvent.objects.exclude(state="dead").update(state="delivered", delivered_at=timezone.now())
    if language == "en":
        for model, names in ENGLISH.items():
            for row, name in zip(model.objects.order_by("pk"), cycle(names), strict=False):
                model.objects.filter(pk=row.pk).update(name=name)
        OrderItem.objects.update(product_name="Americano")
    dead = OrderEvent.objects.filter(state="dead").order_by("order_id")
    OrderEvent.objects.filter(pk=dead[0].pk).update(last_error="TimeoutError: timed out")


def refuse_orders(member: User) -> None:
    """Two orders of a member that failed."""
    for hour, code, details in (
        (2, "insufficient_points", {"balance": 3200, "required": 9000}),
        (30, "insufficient_points", {"balance": 3200, "required": 12_500}),
    ):
        Refusal.objects.create(
            refused_at=timezone.now() - timedelta(hours=hour),
            user_id=member.pk,
            request="POST /api/v1/orders",
            status=409,
            code=code,
            extension_members=details,
            request_id=f"4f1d{hour:04}a07b4e1f9d2c5e6f7a8b9c0d",
        )


def first_page_and_sales(camera: Photographer) -> None:
    """What the first page shows, its top and its charts."""
    camera.staff.open("")
    camera.keep("first-page", "body", width=WIDTH_WITH_MENU, height=600)
    camera.keep("sales", camera.page.locator(".dash-chart").first.locator("xpath=ancestor::section[1]"))


def products(camera: Photographer) -> None:
    """A new product, one that is restocked, and files of prices and stocks."""
    texts, page, rows = TEXTS[camera.language], camera.page, Product.objects.order_by("pk")
    camera.staff.open("products/product/add/")
    for field, value in {"name": texts["product"], "price": "6500", "stock": "40"}.items():
        page.locator(f"[name={field}]").fill(value)
    camera.keep("product-add", height=480)
    camera.staff.open(page_of(rows[1]).removeprefix("/admin/"))
    page.locator("[name=stock_change]").fill("50")
    page.locator("[name=reason]").fill(texts["reason"])
    camera.keep("restock", height=720)
    camera.upload(
        "products/product/import/",
        ("id", "price"),
        *((row.pk, row.price + 500 * (1 + n)) for n, row in enumerate(rows[:2])),
        (rows[2].pk, rows[2].price),
    )
    camera.keep("prices", height=350)
    camera.upload(
        "products/product/import/",
        ("id", "stock_change", "reason"),
        *((row.pk, 50, texts["reason"]) for row in rows[:5]),
    )
    camera.keep("restock-file", height=490)
    page.locator(".file-confirm button[type=submit]").click()
    page.wait_for_url("**/admin/products/product/")
    camera.upload("products/product/import/", ("id", "price"), (rows[0].pk, rows[0].price + 300))
    page.locator(".file-confirm button[type=submit]").click()
    page.wait_for_url("**/admin/products/product/")
    camera.staff.open("admin/logentry/")
    camera.keep("log", "#changelist", height=520)


def campaigns(camera: Photographer) -> None:
    """A new campaign, and closing one."""
    camera.staff.open("coupons/coupon/add/")
    fields = {"name": TEXTS[camera.language]["coupon"], "discount_value": "2000", "quantity": "500"}
    for field, value in fields.items():
        camera.page.locator(f"[name={field}]").fill(value)
    camera.keep("campaign-add", height=800)
    coupon = Coupon.objects.with_state("running").earliest("pk")
    camera.staff.open(f"coupons/coupon/close/?id={coupon.pk}")
    camera.keep("campaign-close", height=270)


def members(camera: Photographer) -> None:
    """What is found by a name, and a member's refusals and ledger."""
    member = User.objects.order_by("pk")[0]
    refuse_orders(member)
    User.objects.filter(pk=User.objects.order_by("pk")[1].pk).update(name=member.name)
    camera.staff.open(f"search/?s={member.name}")
    camera.keep("search", height=250)
    camera.staff.open(f"refusals/refusal/?q={member.pk}")
    camera.keep("refusals", "#changelist", height=420)
    owner = PointTransaction.objects.latest("pk").user_id
    camera.staff.open(f"points/pointtransaction/?q={owner}")
    camera.keep("points", "#changelist", height=480)


def exports_and_events(camera: Photographer) -> None:
    """The export of last week's orders, and events that failed."""
    texts, page = TEXTS[camera.language], camera.page
    camera.staff.open("orders/order/")
    page.locator("#changelist a", has_text=texts["filters"]).first.click()
    page.get_by_role("link", name=texts["last week"], exact=True).click()
    page.get_by_role("link", name=texts["export"]).click()
    page.wait_for_url("**/order/export/?*")
    camera.keep("export", height=500)
    camera.staff.open("orders/orderevent/redeliver-dead/")
    camera.keep("events", height=370)


def accounts(camera: Photographer) -> None:
    """The roles of an account, and the account menu."""
    for role in ("viewer", "merchandiser", "operator"):
        Group.objects.get_or_create(name=role)
    account = StaffAccount.objects.create_user("minjun", password=PASSWORD, is_staff=True)
    account.groups.add(Group.objects.get(name="operator"))
    camera.staff.open(page_of(account).removeprefix("/admin/"))
    camera.keep("account", height=800)
    camera.page.context.clear_cookies()
    camera.page.set_viewport_size({"width": WIDTH_WITH_MENU, "height": MOST_HEIGHT})
    camera.staff.speak(camera.language).open("")
    camera.page.locator("[name=username]").fill("minjun")
    camera.page.locator("[name=password]").fill(PASSWORD)
    camera.page.locator("button[type=submit]").click()
    camera.page.locator("#nav-sidebar").get_by_text("minjun").click()
    menu = camera.page.locator("#nav-sidebar nav").filter(has=camera.page.locator("#logout-form")).last
    expect(menu).to_be_visible()
    camera.keep("account-menu", menu, width=WIDTH_WITH_MENU)


JOBS: list[Callable[[Photographer], None]] = [
    first_page_and_sales,
    products,
    campaigns,
    members,
    exports_and_events,
    accounts,
]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_manual_has_a_picture_of_each_job(staff: Visitor, language: str) -> None:
    open_for_a_month(language)
    camera = Photographer(staff, language)
    for job in JOBS:
        job(camera)
    taken = {file.name for file in camera.folder.iterdir()}
    assert taken == shown_by(FOLDERS[language].parent / "admin.md")
    assert {file.name for file in FOLDERS[language].iterdir()} == taken


def shown_by(manual: Path) -> set[str]:
    """The names of the pictures that a manual shows."""
    return set(re.findall(r"\]\(manual/([^)]+)\)", manual.read_text()))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_account_menu_leads_to_the_manual_and_its_contents_to_a_job(staff: Visitor, language: str) -> None:
    page = staff.speak(language).open("")
    page.locator("#nav-sidebar").get_by_text("operator").click()
    page.locator("#nav-sidebar").get_by_role(
        "link", name={"ko": "사용 설명서", "en": "Manual"}[language]
    ).click()
    page.wait_for_url("**/admin/manual/")
    job = page.locator(".manual-jobs a").nth(3)
    job.click()
    expect(page.locator(".manual h2").nth(3)).to_have_text(job.inner_text())
    expect(page.locator(".manual h2").nth(3)).to_be_in_viewport()
    assert all(page.locator(".manual img").evaluate_all("all => all.map(each => each.naturalWidth > 200)"))
