"""Problems of HTTP itself: bodies, methods, media types and rates; and those that a status stands for."""

from http import HTTPStatus

from core.problems import BilingualText, NotFound, NotRegistered, Problem, Unavailable


class Malformed(Problem):
    """The body is not JSON as the contract reads it."""

    code = "malformed"
    status = 400
    title = BilingualText("요청을 읽을 수 없어요", "The request cannot be read")
    detail = BilingualText(
        "JSON 문법, UTF-8 인코딩, 중복된 키, 중첩 깊이(20 이하), Host 헤더를 확인해 주세요.",
        "Check its JSON syntax, UTF-8 encoding, duplicate keys and depth (20 at most), and the Host header.",
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
    """A bug."""

    code = "internal"
    status = 500
    title = BilingualText("저희 쪽에 문제가 생겼어요", "Something went wrong on our side")
    detail = BilingualText(
        "잠시 뒤 다시 시도해 주세요. 계속되면 request_id를 알려 주세요.",
        "Try again shortly. If it persists, tell us the request_id.",
    )


# Problems for statuses of Django and DRF; a forbidden object is reported as missing.
BY_STATUS: dict[int, type[Problem]] = {
    400: Malformed,
    401: NotRegistered,
    403: NotFound,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: TooLarge,
    415: UnsupportedMediaType,
    503: Unavailable,
}


def standing_for(status: int) -> type[Problem]:
    unlisted = Internal if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Malformed
    return BY_STATUS.get(status, unlisted)
