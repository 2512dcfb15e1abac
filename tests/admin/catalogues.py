"""The catalogues in locale/, and every text of the code that they have to translate."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import django
import unfold
from babel.messages import Catalog, extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from tests.kit.processes import ROOT

LANGUAGES = ("ko", "en")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
OURS = sorted({path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests"})
UNFOLD = Path(unfold.__file__).parent
UNFOLD_IN_USE = [
    UNFOLD / "templates",
    UNFOLD / "contrib" / "filters",
    *UNFOLD.glob("*.py"),
    UNFOLD / "mixins",
]
DJANGO = Path(django.__file__).parent
ADMIN, AUTH = DJANGO / "contrib" / "admin", DJANGO / "contrib" / "auth"
# Without what nothing of ours leads to: resetting a password by mail, and Django's own pages of errors.
DJANGO_IN_USE = [
    *ADMIN.glob("*.py"),
    ADMIN / "templatetags",
    ADMIN / "views",
    *(AUTH / f"{each}.py" for each in ("admin", "forms", "models", "password_validation", "validators")),
    DJANGO / "forms",
    DJANGO / "db" / "models",
    *(DJANGO / "core" / f"{each}.py" for each in ("paginator", "validators")),
]


def po(language: str) -> Catalog:
    """A catalogue as people edit it."""
    with (ROOT / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def mo(language: str) -> Path:
    """The same as Django reads it."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.mo"


def texts(*places: Path) -> set[str]:
    """What the code and the templates in these places mark for translation, plurals by their singular."""
    return {text for place in places for text in _marked(place)}


def _marked(place: Path) -> Iterator[str]:
    for path in place.rglob("*") if place.is_dir() else [place]:
        if path.suffix == ".py" and not {"tests", "migrations"} & set(path.parts):
            found = extract.extract("python", BytesIO(path.read_bytes()), KEYWORDS)
        elif path.suffix == ".html":
            # Django makes calls out of the tags; what is between them is no Python.
            calls = templatize(path.read_text(), origin=str(path))
            found = extract.extract("javascript", BytesIO(calls.encode()), KEYWORDS)
        else:
            continue
        yield from (text[0] if isinstance(text, tuple) else text for _line, text, *_ in found)
