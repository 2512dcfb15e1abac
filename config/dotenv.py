"""`.env`, read as it is written: nothing in a value is expanded or unescaped, and no line is passed over."""

import os
import re
import sys
from pathlib import Path
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured

LINE_END = re.compile(r"\r\n|\r|\n")
ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(.*)", re.DOTALL)
REMARK = re.compile(r"[ \t]#.*", re.DOTALL)
# Up to the first quote of its kind that nothing but a remark follows.
QUOTED = re.compile(r"""(['"])(.*?)\1[ \t]*(?:[ \t]#.*)?""", re.DOTALL)
# Both are needed before the file is read, and would come too late from it.
COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
READ_EARLIER = {"DJANGO_SETTINGS_MODULE", COUNTERS}


class SettingsError(ImproperlyConfigured):
    """A start is refused: which setting, or which line of `.env`, and why; never its value."""


def is_usable_folder(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def load(file: Path) -> dict[str, int]:
    """Add what the file sets to the environment, which wins; the line of each name. Raises SettingsError."""
    numbers: dict[str, int] = {}
    for number, line in enumerate(_lines(file), start=1):
        if not line or line.startswith("#"):
            continue
        try:
            name, value = _assignment(line, earlier=numbers)
        except SettingsError as reason:
            raise SettingsError(f"{file}, line {number}: {reason}") from None
        numbers[name] = number
        os.environ.setdefault(name, value)
    return numbers


def _lines(file: Path) -> list[str]:
    if not os.path.lexists(file):
        return []
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = _line_at(content[: error.start].decode("latin-1"))
        raise SettingsError(f"{file}, line {line}: this is not UTF-8; save it as UTF-8") from None
    if "\0" in text:
        line = _line_at(text[: text.index("\0")])
        raise SettingsError(f"{file}, line {line}: this holds a NUL byte; save it as UTF-8 text")
    return [line.strip(" \t") for line in LINE_END.split(text)]


def _line_at(before: str) -> int:
    return len(LINE_END.findall(before)) + 1


def _assignment(line: str, *, earlier: dict[str, int]) -> tuple[str, str]:
    if not (found := ASSIGNMENT.fullmatch(line)):
        raise SettingsError("a line is NAME=value, with a name of letters, digits and underscores")
    name, rest = found[1], found[2]
    if name in READ_EARLIER:
        raise SettingsError(f"{name} is needed before this file is read; set it in the environment")
    if name in earlier:
        raise SettingsError(f"{name} is set on line {earlier[name]} already")
    value = rest.lstrip(" \t")
    if value.startswith(("'", '"')):
        if not (quoted := QUOTED.fullmatch(value)):
            raise SettingsError("a value that begins with a quote ends with the same one, on the same line")
        return name, quoted[2]
    return name, REMARK.sub("", rest, count=1).strip(" \t")


def _say_in_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, SettingsError):
        sys.stderr.write(f"{error}\n")
    else:
        _inherited_hook(kind, error, trace)


# For manage.py, gunicorn and Celery alike: a refused start is told without a traceback.
_inherited_hook, sys.excepthook = sys.excepthook, _say_in_words
