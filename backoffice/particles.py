"""Korean particles that fit the word before them; a translation cannot know its last sound.

After a value a translation writes 을(를), 이(가) or 은(는); the admin's pages show the one that fits.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_PARTICLE = re.compile(r"([을이은])\(([를가는])\)")
_MARKUP = re.compile(r"<[^<>]*>|&#?\w+;")
_LAST_SOUND = re.compile(r"[가-힣A-Za-z0-9](?=[^가-힣A-Za-z0-9]*\Z)")
# Long enough for a name with its link.
_LOOK_BACK = 600
# Unicode orders Hangul syllables by their final consonant: none, and 27 of them.
_FIRST_SYLLABLE, _FINALS = ord("가"), 28
# 영, 일, 삼, 육, 칠, 팔; and Latin letters whose Korean name ends in a consonant.
_CLOSED = "013678lmnLMN"


def fit_particles(page: str) -> str:
    """The HTML with each particle fitted to the word before it; unchanged where no word is."""

    def fitting(found: re.Match[str]) -> str:
        before = _MARKUP.sub("", page[max(0, found.start() - _LOOK_BACK) : found.start()])
        if not (sound := _LAST_SOUND.search(before)):
            return found[0]
        letter = sound[0]
        closed = letter in _CLOSED if letter.isascii() else (ord(letter) - _FIRST_SYLLABLE) % _FINALS > 0
        return found[1] if closed else found[2]

    return _PARTICLE.sub(fitting, page)


def korean_particles(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html"):
            response.content = fit_particles(response.content.decode()).encode()
        return response

    return middleware
