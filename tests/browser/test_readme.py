"""The pictures of the README: the first page of a shop with thirty days behind it.

They are `readme-*.png` among the screenshots; CONTRIBUTING.md says where they go.
"""

import pytest
from django.core.management import call_command

from orders.outbox.delivery import deliver_due_events
from orders.outbox.platform import Platform
from rankings import hours, services
from tests.browser.visitor import Visitor
from tests.kit.platforms import recorder


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_first_page_of_a_shop_of_thirty_days(staff: Visitor, language: str, theme: str) -> None:
    call_command("seed_demo", days=30, verbosity=0)
    with recorder() as platform:
        while deliver_due_events(platform=Platform(url=platform.url, secret="", user_agent="pointshop")):
            pass
    services.recompute(days=3, from_scratch=True)
    hours.fill_hours()
    staff.speak(language).page.emulate_media(color_scheme=theme)
    page = staff.open("")
    staff.picture(f"readme-{language}-{theme}")
    assert page.locator(".dash section").count() > 5
    assert not page.locator(".dash-steps").count()
