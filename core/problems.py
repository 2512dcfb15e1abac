"""What the shop answers when it refuses: RFC 9457 problem details, in both languages.

Each app's own are in its `problems.py`; the handler, the OpenAPI document and the pages under /problems/ are
made from these classes.
"""

import copyreg
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from core.json_schemas import Json

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class BilingualText:
    """One sentence for people, in Korean (해요체) and in English."""

    ko: str
    en: str

    def in_language(self, language: str) -> str:
        """The sentence in the named language."""
        return self.en if language == "en" else self.ko


class Problem(Exception):
    """An anticipated failure. A subclass says its code, status and texts, and what members it adds.

    `extensions` maps a member's name to its JSON Schema, which may refer to one of `schemas`.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[BilingualText]
    detail: ClassVar[BilingualText]
    extensions: ClassVar[dict[str, Json]] = {}
    schemas: ClassVar[dict[str, Json]] = {}

    def __init__(self, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__()
        self.headers = dict(headers or {})
        self.members = members

    def __str__(self) -> str:
        return self.code

    def __reduce__(self) -> tuple[object, ...]:
        # A worker's processes pickle what a task raises; an exception's own way takes no keyword.
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]


def problem_types() -> dict[str, type[Problem]]:
    """Every kind of problem by its code, in the order of statuses and codes."""
    return {kind.code: kind for kind in sorted(_kinds(Problem), key=lambda kind: (kind.status, kind.code))}


def _kinds(base: type[Problem]) -> Iterator[type[Problem]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


class Malformed(Problem):
    """The body is not JSON as the contract reads it."""

    code = "malformed"
    status = 400
    title = BilingualText("요청을 읽을 수 없어요", "The request cannot be read")
    detail = BilingualText(
        "JSON 문법, UTF-8 인코딩, 중복된 키, 중첩 깊이(20 이하)와 Host 헤더를 확인해 주세요.",
        "Check its JSON syntax, UTF-8 encoding, duplicate keys, depth (20 at most) and the Host header.",
    )


class TooLarge(Problem):
    """The body is larger than the contract allows."""

    code = "too_large"
    status = 413
    title = BilingualText("본문이 너무 커요", "The body is too large")
    detail = BilingualText(
        "본문은 64 KiB까지 보낼 수 있어요. 줄여서 다시 보내 주세요.",
        "A body may be 64 KiB at most. Send a smaller one.",
    )


class NotFound(Problem):
    """No such URL or object."""

    code = "not_found"
    status = 404
    title = BilingualText("찾을 수 없어요", "Not found")
    detail = BilingualText(
        "이 주소에는 아무것도 없어요. 주소와 번호를 확인해 주세요.",
        "There is nothing at this address. Check the URL and the id.",
    )


class MethodNotAllowed(Problem):
    """The URL exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    title = BilingualText("지원하지 않는 메서드예요", "Method not allowed")
    detail = BilingualText(
        "Allow 헤더에 적힌 메서드로 다시 보내 주세요.",
        "Use one of the methods named in the Allow header.",
    )


class NotAcceptable(Problem):
    """The answer cannot be given in a form the client accepts."""

    code = "not_acceptable"
    status = 406
    title = BilingualText("요청한 형식으로는 답할 수 없어요", "Not acceptable")
    detail = BilingualText(
        "JSON으로만 답해요. Accept를 application/json으로 바꿔 주세요.",
        "Answers are JSON only. Set Accept to application/json.",
    )


class UnsupportedMediaType(Problem):
    """The body's content type is not JSON."""

    code = "unsupported_media_type"
    status = 415
    title = BilingualText("지원하지 않는 콘텐츠 형식이에요", "Unsupported media type")
    detail = BilingualText(
        "본문을 압축하지 않은 UTF-8 JSON으로, Content-Type은 application/json으로 보내 주세요.",
        "Send UTF-8 JSON with Content-Type application/json and without a Content-Encoding.",
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


class IdempotencyKeyReused(Problem):
    """The key came before with another body."""

    code = "idempotency_key_reused"
    status = 422
    title = BilingualText("이미 다른 요청에 쓴 키예요", "The key was used for another request")
    detail = BilingualText(
        "같은 Idempotency-Key를 다른 본문으로 보냈어요. 새 키로 다시 보내 주세요.",
        "This Idempotency-Key came with another body before. Use a new key.",
    )


class Throttled(Problem):
    """The caller sent more than the configured rate."""

    code = "throttled"
    status = 429
    title = BilingualText("요청이 너무 잦아요", "Too many requests")
    detail = BilingualText(
        "Retry-After에 적힌 시간(초)이 지난 뒤 다시 보내 주세요.",
        "Wait for the seconds in Retry-After and send the request again.",
    )


class Internal(Problem):
    """A bug of ours."""

    code = "internal"
    status = 500
    title = BilingualText("저희 쪽에 문제가 생겼어요", "Something went wrong on our side")
    detail = BilingualText(
        "잠시 뒤 다시 시도해 주세요. 계속되면 request_id를 알려 주세요.",
        "Try again shortly. If it persists, tell us the request_id.",
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

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


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

    def __init__(self, **extensions: object) -> None:
        super().__init__(headers={"Retry-After": "2"}, **extensions)
