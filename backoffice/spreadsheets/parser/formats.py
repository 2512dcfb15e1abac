"""What a number format shows of a cell's value (ECMA-376 part 1, 18.8.30 and 18.8.31)."""

import re
import unicodedata
from typing import NamedTuple

# Kinds of formats. PLAIN shows the digits of a whole number, or a text, as they are; DRESSED formats the
# digits (`007`, `1,000`); DATE shows a day or a time of day; OTHER shows another value (`100%` for 1), or
# nothing.
DATE, OTHER, DRESSED, PLAIN = "date", "other", "dressed", "plain"

# The most that Excel takes.
_MAX_FORMAT_CHARS = 255
# A file may have 100,000 formats: no expression may look at a character more than a few times.
# Literal text and currencies, which are shown; then widths of characters, colours, conditions and languages.
_LITERAL = re.compile(r'"([^"]*+)"|\\(.)|\*(.)|\[\$([^\[\]-]*+)[^\[\]]*+\]|_.|\[[^\[\]]*+\]', re.DOTALL)
_CONDITION = re.compile(r"\[[<>=]")
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_PARTS_OF_A_DATE = re.compile("[dmyhs]")
# Placeholders of a number, and those that show 0: `#` and `?` leave it out.
_NUMBER = re.compile("[0#?@]|general|g/표준")
_ZERO = re.compile("[0@/]|general|g/표준")
# A comma after the last digit divides by 1,000.
_SCALED = re.compile(r"%|[0#?],+(?![0#?,])")
# Only the first digits of 4567 are in 4.57E+03.
_SCIENTIFIC = re.compile("e[+-]")
# A sign of its own that makes a positive number look negative, after a currency at most.
_MINUS = re.compile(r"[^\w#?(−-]*+[-−(][^\w#?]*+[0#?]")
# A word that multiplies: `5만` is 50,000. Hangul joins the unit to it (`만장`), so what begins with such a
# sign is refused, a piece (`조각`) too. Latin words are whole ones, or `kg`, `ml` and `box` would be refused;
# a letter that is a unit as well (`m`, `t`) is in doubt, and refused.
_MULTIPLE = re.compile(
    r"[‰‱]|(?<![가-힣])(?:[십백천만억조]|다스)"
    r"|(?<![a-z])(?:k|m|mm|mn|mil|mio|b|bn|t|tn|doz|dz|(?:hundred|thousand|million|billion|trillion|dozen)s?)"
    r"(?:krw|won|usd|eur|jpy|cny)?(?![a-z])"
)
_GENERAL = re.compile("general|g/표준")


class Kinds(NamedTuple):
    """The kinds of a format, by what the cell holds."""

    positive: str
    negative: str
    zero: str
    text: str


GENERAL = Kinds(PLAIN, PLAIN, PLAIN, PLAIN)
_DATE, _DRESSED, _OTHER = (Kinds(kind, kind, kind, PLAIN) for kind in (DATE, DRESSED, OTHER))
# By number, East Asian ones included. 0, 1 and 49 are left out: plain numbers, and text. 46 is [h]:mm:ss.
BUILT_IN = {
    **dict.fromkeys((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)), _DATE),
    **dict.fromkeys((*range(2, 9), 12, 13, *range(37, 45)), _DRESSED),
    **dict.fromkeys((9, 10, 11, 46, 48), _OTHER),
}


def kinds_of(code: str) -> Kinds:
    if len(code) > _MAX_FORMAT_CHARS:
        return Kinds(OTHER, OTHER, OTHER, OTHER)
    # Sections are for positive and negative numbers, zero and text.
    # A semicolon in a literal ends no section.
    sections = _LITERAL.sub(lambda found: found[0].replace(";", " "), code.strip() or "General").split(";")
    numbers, text = sections[:3], "@"
    if sections[3:]:
        text = sections[3]
    elif "@" in _LITERAL.sub("", sections[-1]):  # the only section is for numbers, too
        numbers, text = sections[:-1] or sections, sections[-1]
    if any(map(_CONDITION.search, numbers)):
        found = {_kind(each, is_negative="[<" in each, is_zero="[=0]" in each) for each in numbers}
        kind = found.pop() if len(found) == 1 else OTHER if found & {OTHER, DATE} else DRESSED
        return Kinds(kind, kind, kind, _kind_of_text(text))
    positive = zero = numbers[0]
    negative, has_own = positive, len(numbers) > 1
    if has_own:
        negative = numbers[1]
        zero = numbers[-1] if numbers[2:] else positive
    # Without a minus or a colour, a negative number looks like a positive one.
    is_same = has_own and negative == positive
    return Kinds(
        _kind(positive),
        OTHER if is_same else _kind(negative, is_negative=has_own),
        _kind(zero, is_zero=True),
        _kind_of_text(text),
    )


def _kind(section: str, *, is_negative: bool = False, is_zero: bool = False) -> str:
    tokens = [*_LITERAL.finditer(section)]
    literals = [_shown(token).strip() for token in tokens]
    bare = _LITERAL.sub("", section).strip().casefold()
    shown = _LITERAL.sub(_shown, section)
    if any(_ELAPSED.fullmatch(token[0]) for token in tokens) or any(map(str.isnumeric, "".join(literals))):
        return OTHER
    if _PARTS_OF_A_DATE.search(bare):
        return DATE
    if not (_ZERO if is_zero else _NUMBER).search(bare):
        # Accountants write 0 as a dash.
        is_dash = is_zero and "-" in shown and not any(map(str.isalnum, shown))
        return DRESSED if is_dash else OTHER
    if (
        _SCALED.search(bare)
        or _SCIENTIFIC.search(bare)
        or any(sign.isnumeric() and sign != "0" for sign in bare)
        or any(literal in {",", "."} for literal in literals)
        or _MULTIPLE.search(_GENERAL.sub("0", unicodedata.normalize("NFKC", shown).casefold()))
        or any(sign in '["' for sign in bare)  # never closed
        or (not is_negative and _MINUS.match(shown))
    ):
        return OTHER
    return PLAIN if section.strip().casefold() in {"general", "g/표준", "0", "#", "@"} else DRESSED


def _kind_of_text(section: str) -> str:
    is_plain = not any(_shown(token).strip() for token in _LITERAL.finditer(section))
    return PLAIN if is_plain and _LITERAL.sub("", section).strip().casefold() in {"@", "general"} else OTHER


def _shown(token: "re.Match[str]") -> str:
    return token[token.lastindex] if token.lastindex else ""
