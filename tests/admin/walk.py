"""Everything that the admin shows: each page of each model, with mistakes and without, and what refuses."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from products.models import Product
from tests.kit.operator import Fields

Step = tuple[str, str]


class Walk:
    """Somebody of the staff who opens everything, in one language."""

    def __init__(self, browser: Client, language: str) -> None:
        self.browser, self.language = browser, language

    def get(self, url: str) -> str:
        """The page, at the end of its redirects."""
        return self._page(self.browser.get(url, headers={"Accept-Language": self.language}, follow=True))

    def post(self, url: str, fields: dict[str, Any]) -> str:
        """What a form says once it was sent."""
        sent = self.browser.post(url, fields, headers={"Accept-Language": self.language}, follow=True)
        return self._page(sent)

    def _page(self, response: Any) -> str:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return response.content.decode() if is_page else ""

    def steps(self) -> Iterator[Step]:
        """Where, and what is there; signing out is the last."""
        for url in self.urls():
            yield url, self.get(url)
        for walk in (self.lists, self.forms, self.deletions, self.refused, self.signing_in):
            yield from walk()

    def urls(self) -> Iterator[str]:
        """Each page of the site, and each of every model, of its newest row."""
        pages = ("index", "manual", "password_change", "password_change_done")
        yield from (reverse(f"admin:{name}") for name in pages)
        for model, admin in site._registry.items():
            row = model.objects.last()
            for arguments in ([], [row.pk]) if row else ([],):
                for pattern in admin.get_urls():
                    try:
                        yield reverse(f"admin:{pattern.name}", args=arguments)
                    except NoReverseMatch:
                        continue

    def lists(self) -> Iterator[Step]:
        """Each list: without rows, with none chosen, asked for what it does not offer, for a row it lacks."""
        for url in (reverse(f"admin:{_name(model)}_changelist") for model in site._registry):
            yield f"{url} empty", self.get(f"{url}?q=0")
            yield f"{url} none chosen", self.post(url, {"action": "", "index": "0"})
            yield f"{url} no action", self.post(url, {"action": "", "index": "0", "_selected_action": "1"})
            yield f"{url} not offered", self.get(f"{url}?nonsense=1")
            yield f"{url} unknown row", self.get(f"{url}999999/change/")

    def forms(self) -> Iterator[Step]:
        """Each form with nothing in it, and each row saved as it is."""
        yield "password", self.post(reverse("admin:password_change"), {})
        for model in site._registry:
            yield f"{model} new", self.post(reverse(f"admin:{_name(model)}_add"), {})
            if row := model.objects.last():
                url = reverse(f"admin:{_name(model)}_change", args=[row.pk])
                yield f"{model} emptied", self.post(url, {})
                unchanged = Fields(self.get(url)).found
                for button in ("_save", "_continue", "_addanother"):
                    yield f"{model} {button}", self.post(url, {**unchanged, button: "1"})

    def deletions(self) -> Iterator[Step]:
        """A row made, what asks whether to delete it, and what says that it is gone."""
        name = {"ko": "라떼", "en": "Latte"}[self.language]
        made = self.post(
            reverse("admin:products_product_add"), {"name": name, "price": 10, "stock": 1, "_continue": "1"}
        )
        yield "made", made
        product = Product.objects.last()
        url = reverse("admin:products_product_delete", args=[product.pk])
        yield "delete?", self.get(url)
        yield "deleted", self.post(url, {"post": "yes"})

    def refused(self) -> Iterator[Step]:
        """What is not there, what is not allowed, and what no page of ours sent."""
        yield "404", self.get("/admin/nowhere/")
        yield "403", self.get(reverse("admin:orders_order_add"))
        yield "CSRF", Walk(Client(enforce_csrf_checks=True), self.language).post("/admin/login/", {})

    def signing_in(self) -> Iterator[Step]:
        """The form, what it refuses, and signing out."""
        stranger, account = Walk(Client(), self.language), User.objects.create_user("9", password="8")
        url = reverse("admin:login")
        yield "sign in", stranger.get(url)
        yield "nothing", stranger.post(url, {})
        yield "wrong", stranger.post(url, {"username": "7", "password": "6"})
        yield "no staff", stranger.post(url, {"username": account.username, "password": "8"})
        stranger.browser.force_login(account)
        yield "signed in elsewhere", stranger.get(reverse("admin:index"))
        yield "signed out", self.post(reverse("admin:logout"), {})


def _name(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
