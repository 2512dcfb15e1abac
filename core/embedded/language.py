"""The language of the terminal: Korean where the locale says so, else English."""

import gettext as catalogues
import os
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[2] / "locale"


def gettext(text: str) -> str:
    # Django's own is not set up yet.
    return _catalogue().gettext(text)


@cache
def _catalogue() -> catalogues.NullTranslations:
    # The first of these variables that is set counts, as POSIX has it.
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return catalogues.translation("django", LOCALE, ["ko" if chosen.lower().startswith("ko") else "en"])
