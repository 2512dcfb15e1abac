"""What axe finds at fault on a page, as `make test-browser` installed it into .venv/browser."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.kit.processes import ROOT

AXE = ROOT / ".venv" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
# All but "minor".
IMPACTS = {"moderate", "serious", "critical"}
# Narrower bars than 24 pixels: the keys go from one to the next, and the table below says the same (WCAG 2.2,
# 2.5.8, "equivalent").
RUN = """async (rules) => {
  const all = { rules: { "target-size": { enabled: true } } };
  const which = rules ? { runOnly: { type: "rule", values: rules } } : all;
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...which });
  const bars = ({ id }, { html }) => id === "target-size" && html.includes('class="dash-read"');
  return violations
    .map((each) => [each.id, each.impact, each.nodes.filter((node) => !bars(each, node))])
    .filter(([, , nodes]) => nodes.length)
    .map(([id, impact, nodes]) => [id, impact, nodes.map(({ html }) => html.slice(0, 160))]);
}"""
# The rules that a theme can break.
COLOURS = ["color-contrast", "link-in-text-block"]
# Taller than any page, so that no bar at the bottom covers what can be hit.
SIZES = ({"width": 1440, "height": 4000}, {"width": 390, "height": 6000})
DARK = """dark => {
  document.documentElement.classList.toggle("dark", dark);
  document.documentElement.classList.toggle("light", !dark);
}"""


def violations(page: Page, rules: list[str] | None = None) -> dict[str, Any]:
    """The rules of these, or of all, that the page breaks as it is shown now; and the elements that do."""
    if not AXE.is_file():
        pytest.skip("axe-core cannot be had; `make test-browser` says why")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
        # Colours on their way from one theme to the other are nobody's.
        page.add_style_tag(content="* { transition: none !important; animation: none !important }")
    return {rule: nodes for rule, impact, nodes in page.evaluate(RUN, rules) if impact in IMPACTS}


def everywhere(page: Page, *, exempt: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The same on a desk and a phone, in light and dark; all but the exempt rules."""
    found: dict[str, Any] = {}
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for theme, rules in (("light", None), ("dark", COLOURS)):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.evaluate(DARK, theme == "dark")
            broken = violations(page, rules)
            found |= {f"{rule} {size['width']} {theme}": broken[rule] for rule in broken.keys() - exempt}
    return found
