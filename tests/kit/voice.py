"""What a text may not say: the shop speaks one Korean (해요체) and one English, with no word of the other."""

import re
from collections.abc import Iterator
from html import unescape

from django.utils.html import strip_tags

# Unicode orders Hangul syllables by their final consonant.
FIRST_SYLLABLE, FINALS, FINAL_B = ord("가"), 28, 17
# What Django's Korean says and the shop does not.
FORMAL = re.compile(r"십시오|하세요|하시겠|오브젝트|성공적으로")
ALTERNATIVES = re.compile(r"[을를이가은는와과][/(][을를이가은는와과]|\(으\)로")
VALUE = r"(?:%\(\w+\)[sdr]|%[sd]|\{\w*(?::[^}]*)?\})"
AFTER_VALUE = re.compile(rf"{VALUE}[”’\"'`]?(?:을|를|이|가|은|는|과|와|으로|로)(?![가-힣(])")
HANGUL = re.compile("[가-힣]+")
LATIN = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z_]+(?![A-Za-z0-9_])")
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What is called the same in both languages; a column of a file and a role are, where they are named.
FORMATS = {"API", "OpenAPI", "CSV", "XLSX", "JSON", "HTTP", "URL", "UUID", "UTF", "CP", "ID", "id", "MB"}
ROLES = {"viewer", "merchandiser", "operator"}
FORMATS = {"API", "OpenAPI", "CSV", "XLSX", "JSON", "HTTP", "URL", "UUID", "UTF", "CP", "ID", "id", "MB"}
ROLES = {"viewer", "merchandiser", "operator"}
NAMES = {"pointshop", "Excel", "Ctrl", "Esc", "esc", "English", "en", "ko", "한국어", *FORMATS, *ROLES}


def final_of(syllable: str) -> int:
    """Which consonant a Korean syllable ends in; 0 for none."""
    return (ord(syllable) - FIRST_SYLLABLE) % FINALS


def second_voice(text: str) -> Iterator[str]:
    """What is not said in 해요체, and particles that fit one word and not another."""
    yield from (found[0] for found in FORMAL.finditer(text))
    yield from (found[0] for found in ALTERNATIVES.finditer(text))
    for found in re.finditer(r"([가-힣])니[다까]", text):
        if final_of(found[1]) == FINAL_B:
            yield found[0]
    for found in re.finditer(r"([가-힣])([을를])(?![가-힣])", text):
        if (final_of(found[1]) > 0) != (found[2] == "을"):
            yield found[0]


def foreign(text: str, language: str) -> Iterator[str]:
    """Words of the other language."""
    found = (HANGUL if language == "en" else LATIN).findall(UUIDS.sub("", text))
    yield from (word for word in found if word not in NAMES)


def faults(text: str, language: str) -> set[str]:
    """What the text may not say in the language, each with what is around it."""
    said = {*second_voice(text), *foreign(text, language)}
    return {around for word in said for around in re.findall(f".{{0,30}}{re.escape(word)}.{{0,30}}", text)}


def said_by(page: str) -> str:
    """What people read on a page, with what its fields, pictures and buttons say; no code, and no icons."""
    page = re.sub(r"<(script|style|code|pre|template)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r"<span[^>]*material-symbols-outlined[^>]*>.*?</span>", " ", page, flags=re.DOTALL)
    titles = re.findall(r'\b(?:placeholder|title|aria-label|alt)="([^"]*)"', page)
    buttons = re.findall(r'<input[^>]*type="submit"[^>]*value="([^"]*)"', page)
    return unescape(" ".join([strip_tags(page.replace("<", " <")), *titles, *buttons]))
