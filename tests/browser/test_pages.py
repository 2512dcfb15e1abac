"""Every page of the admin as people see it: on a desk and a phone, in both languages, in light and dark."""

import re
from pathlib import Path

import pytest

from tests.browser.shop import PAGES, address, open_for_days
from tests.browser.visitor import Visitor

NOTHING_WIDER = 0
FAINT = Path(__file__).with_name("contrast.js").read_text()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_report_no_errors_and_fit_the_screen(staff: Visitor, language: str, width: int) -> None:
    open_for_days()
    staff.speak(language).page.set_viewport_size({"width": width, "height": 844})
    wide = {}
    for name, path in PAGES.items():
        staff.open(address(path))
        staff.picture(f"{name}-{language}-{width}")
        if (by := staff.overflow()) > NOTHING_WIDER:
            wide[name] = by
    assert wide == {}


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_overview_in_light_and_dark(staff: Visitor, language: str, theme: str) -> None:
    staff.speak(language).page.emulate_media(color_scheme=theme)
    page = staff.open("")
    staff.picture(f"overview-empty-{language}-{theme}")
    assert page.locator(".dash-steps li").count() == 3
    open_for_days()
    staff.open("")
    staff.picture(f"overview-{language}-{theme}")
    assert page.locator(".dash section").count() == 6
    background = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    lightness = float(re.findall(r"[\d.]+", background)[0])
    assert (lightness < 0.5) == (theme == "dark"), background
    assert faint(staff) == []


def faint(staff: Visitor) -> list[tuple[str, float]]:
    """The texts of the page that are hard to read, with their contrast."""
    found: list[tuple[str, float]] = staff.page.evaluate(FAINT, ".dash *:not(svg *), #nav-sidebar a *, h1")
    return found


def test_text_that_is_hard_to_read_is_noticed(staff: Visitor) -> None:
    page = staff.open("")
    page.add_style_tag(content=".dash li { color: #999 }")
    assert len(faint(staff)) == 3


def test_errors_reported_by_a_page_are_noticed(staff: Visitor) -> None:
    """The negative control of every other test here."""
    page = staff.open("")
    assert staff.complaints == []
    page.evaluate("console.error('no'); fetch('/static/missing.js').catch(() => 0)")
    page.evaluate("setTimeout(() => { throw new Error('uncaught') })")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))")
    page.wait_for_timeout(300)
    heard = " ".join(staff.complaints)
    assert all(word in heard for word in ("console: no", "404", "uncaught: ", "Content Security Policy"))
    page.add_style_tag(content="body { width: 3000px }")
    assert staff.overflow() > NOTHING_WIDER
    staff.complaints.clear()
