"""Which of the shop's two languages a reader prefers."""

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

KOREAN = "ko"
ENGLISH = "en"


def preferred_language(request: HttpRequest) -> str:
    """English where Accept-Language ranks it above Korean, else Korean."""
    for tag, quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if quality > 0 and tag.split("-")[0] in {KOREAN, ENGLISH}:
            return tag.split("-")[0]
    return KOREAN
