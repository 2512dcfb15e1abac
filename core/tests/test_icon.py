"""The icon that a browser shows beside a page's title."""

import re

import pytest


@pytest.mark.parametrize("page", ["/", "/problems/busy", "/api/docs", "/admin/login/"])
def test_page_names_an_icon_that_the_shop_serves(http, page):
    (link,) = re.findall(r'<link[^>]*rel="icon"[^>]*>', http.get(page).body.decode())
    icon = http.get(re.search(r'href="([^"]+)"', link)[1])
    assert (icon.status, icon.headers["Content-Type"]) == (200, "image/svg+xml")
    assert icon.body.startswith(b"<svg")
