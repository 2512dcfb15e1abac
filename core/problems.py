"""RFC 9457 problem details in both languages.

Each app's own are in its `problems.py`; the handler, the OpenAPI document and the pages under /problems/ are
made from these classes.
"""

import copyreg
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from core.json_schemas import Json, array_of, json_object, ref

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Gateway realm="pointshop"'


@dataclass(frozen=True)
class BilingualText:
    """One sentence for people, in Korean (해요체) and in English."""

    ko: str
    en: str

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.ko


class Problem(Exception):
    """An anticipated failure. A subclass says its code, status and texts, and what extension members it adds.

    `extensions` maps a member's name to its JSON Schema, which may refer to one of `schemas`.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[BilingualText]
    detail: ClassVar[BilingualText]
    extensions: ClassVar[dict[str, Json]] = {}
    schemas: ClassVar[dict[str, Json]] = {}
    default_headers: ClassVar[dict[str, str]] = {}

    def __init__(self, *, headers: Mapping[str, str] | None = None, **extension_members: object) -> None:
        super().__init__()
        self.headers = {**self.default_headers, **(headers or {})}
        self.extension_members = extension_members

    def __str__(self) -> str:
        return self.code

    def __reduce__(self) -> tuple[object, ...]:
        # A worker's processes pickle what a task raises; an exception's own way takes no keyword.
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]


def problem_types() -> dict[str, type[Problem]]:
    """By code, in the order of statuses and codes."""
    return {kind.code: kind for kind in sorted(_kinds(Problem), key=lambda kind: (kind.status, kind.code))}


def _kinds(base: type[Problem]) -> Iterator[type[Problem]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


class NotFound(Problem):
    """No such URL or object."""

    code = "not_found"
    status = 404
    title = BilingualText("찾을 수 없어요", "Not found")
    detail = BilingualText(
        "이 주소에는 아무것도 없어요. 주소와 번호를 확인해 주세요.",
        "There is nothing at this address. Check the URL and the id.",
    )


class NotRegistered(Problem):
    """The request names no registered user."""

    code = "not_registered"
    status = 401
    title = BilingualText("등록된 회원이 아니에요", "Not a registered user")
    detail = BilingualText(
        "X-User-Id 헤더에 등록된 회원의 번호를 담아 다시 보내 주세요.",
        "Send the id of a registered user in the X-User-Id header.",
    )
    default_headers = {"WWW-Authenticate": CHALLENGE}


class IdempotencyKeyReused(Problem):
    """The key came before with another body."""

    code = "idempotency_key_reused"
    status = 422
    title = BilingualText("이미 다른 요청에 쓴 키예요", "The key was used for another request")
    detail = BilingualText(
        "같은 Idempotency-Key를 다른 본문으로 보냈어요. 새 키로 다시 보내 주세요.",
        "This Idempotency-Key came with another body before. Use a new key.",
    )


class Busy(Problem):
    """A lock was not had in time, or a conflict outlived its retries; nothing was written."""

    code = "busy"
    status = 503
    title = BilingualText("지금 요청이 몰리고 있어요", "Busy right now")
    detail = BilingualText(
        "아무것도 바뀌지 않았어요. 잠시 뒤 그대로 다시 보내 주세요.",
        "Nothing was changed. Send the same request again shortly.",
    )
    default_headers = {"Retry-After": "1"}


class Unavailable(Problem):
    """The database cannot be reached, or the connection broke before it answered."""

    code = "unavailable"
    status = 503
    title = BilingualText("지금은 처리할 수 없어요", "Unavailable right now")
    detail = BilingualText(
        "데이터베이스에 연결할 수 없거나 지금은 변경을 받지 않아요. 처리됐는지 알 수 없으니 같은 "
        "Idempotency-Key로 다시 보내 주세요.",
        "The database did not answer or takes no changes now, so the outcome is unknown. Send it "
        "again with the same Idempotency-Key.",
    )
    default_headers = {"Retry-After": "2"}


# Texts of input errors, by the code of the entry in `errors`.
INPUT_ERRORS: dict[str, BilingualText] = {
    "required": BilingualText("꼭 있어야 하는 항목이에요.", "This field is required."),
    "null": BilingualText("null은 쓸 수 없어요.", "This may not be null."),
    "unknown": BilingualText(
        "알 수 없는 항목이에요. 이름을 확인해 주세요.", "Unknown field. Check its name."
    ),
    "not_an_object": BilingualText("JSON 객체여야 해요.", "This must be a JSON object."),
    "not_a_list": BilingualText("JSON 배열이어야 해요.", "This must be a JSON array."),
    "not_an_integer": BilingualText(
        "따옴표, 소수점, 지수가 없는 JSON 정수여야 해요.",
        "This must be a JSON integer, without quotes, fraction or exponent.",
    ),
    "min_value": BilingualText("{limit} 이상이어야 해요.", "This must be at least {limit}."),
    "max_value": BilingualText("{limit} 이하여야 해요.", "This must be at most {limit}."),
    "min_length": BilingualText("{limit}개 이상이어야 해요.", "There must be at least {limit}."),
    "max_length": BilingualText("{limit}개까지 담을 수 있어요.", "There may be at most {limit}."),
    "duplicate": BilingualText(
        "같은 상품이 두 번 들어 있어요. 한 줄로 합쳐 주세요.", "This product is repeated. Merge its lines."
    ),
    "page_size": BilingualText("1부터 100까지의 정수여야 해요.", "This must be an integer from 1 to 100."),
    "cursor": BilingualText(
        "next나 previous로 받은 값을 그대로 써 주세요.", "Use the value from next or previous as it is."
    ),
    "status": BilingualText(
        "usable, used, expired 중 하나여야 해요.", "This must be one of usable, used, expired."
    ),
    "too_many_parameters": BilingualText(
        "쿼리 매개변수는 1,000개까지 보낼 수 있어요.", "There may be at most 1,000 query parameters."
    ),
    "idempotency_key": BilingualText(
        "공백 없는 ASCII 문자 1자에서 255자까지여야 해요.",
        "This must be 1 to 255 visible ASCII characters.",
    ),
}


@dataclass(frozen=True)
class InputError:
    """An error in one place of the input.

    `location` is "pointer", "parameter" or "header"; `limit` fills the text of the codes that have one.
    """

    location: str
    name: str
    code: str
    limit: str = ""

    def to_dict(self, language: str) -> dict[str, str]:
        detail = INPUT_ERRORS[self.code].in_language(language).format(limit=self.limit)
        return {self.location: self.name, "code": self.code, "detail": detail}


class Invalid(Problem):
    """The input is well-formed but breaks the contract in the named places."""

    code = "invalid"
    status = 400
    title = BilingualText("입력값이 올바르지 않아요", "The input is not valid")
    detail = BilingualText(
        "errors에 적힌 항목을 고쳐서 다시 보내 주세요.",
        "Fix the fields listed in errors and send the request again.",
    )
    extensions = {"errors": array_of(ref("InputError"))}
    schemas = {
        "InputError": json_object(
            "An error in one place of the input, which pointer, parameter or header names.",
            {
                "pointer": {
                    "type": "string",
                    "format": "json-pointer",
                    "description": "A JSON pointer into the body.",
                },
                "parameter": {"type": "string", "description": "A query parameter."},
                "header": {"type": "string", "description": "A header."},
                "code": {"type": "string", "enum": list(INPUT_ERRORS)},
                "detail": {"type": "string", "description": "For people, in the language of the answer."},
            },
            required=["code", "detail"],
        )
    }

    def __init__(self, *, errors: Iterable[InputError]) -> None:
        super().__init__()
        self.errors = list(errors)
