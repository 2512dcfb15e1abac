"""The admin's first page, as a client of Django's asks for it."""

import re
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.html import strip_tags

from core.timestamps import SEOUL
from tests.kit.database import database_clock


def page(browser: Any, language: str = "en") -> Any:
    return browser.get(reverse("admin:index"), headers={"Accept-Language": language})


def read(browser: Any, language: str = "en") -> str:
    """What people read on it."""
    content = page(browser, language).content.decode()
    main = content[content.index('id="main"') - 5 :]
    return re.sub(r"\s+", " ", strip_tags(main.replace("<", " <")))


def panels(browser: Any) -> Any:
    return page(browser).context["panels"]


def this_hour() -> datetime:
    """When the running hour began in Seoul, by the database's clock."""
    return database_clock().astimezone(SEOUL).replace(minute=0, second=0, microsecond=0)
