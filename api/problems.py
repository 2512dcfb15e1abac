"""Every error the shop answers, as RFC 9457 problem details."""

import copyreg
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from api import metrics
from api.catalogue import FIELD_ERRORS, PROBLEMS
from api.languages import preferred_language

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An anticipated failure: its code names a row of the catalogue, its members are the data it carries."""

    code: ClassVar[str]
    # Whether what was found out on the way to this failure includes that the caller is a member.
    caller_is_registered = False

    def __init__(self, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__()
        self.headers = dict(headers or {})
        self.members = members

    def __str__(self) -> str:
        return self.code

    def __reduce__(self) -> tuple[object, ...]:
        # A worker's processes pickle what a task raises; an exception's own way takes no keyword.
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]


class Malformed(Problem):
    """The body is not JSON as the contract reads it."""

    code = "malformed"


class TooLarge(Problem):
    """The body is larger than the contract allows."""

    code = "too_large"


class NotFound(Problem):
    """No such URL or object."""

    code = "not_found"


class MethodNotAllowed(Problem):
    """The URL exists, the method does not."""

    code = "method_not_allowed"


class NotAcceptable(Problem):
    """The answer cannot be given in a form the client accepts."""

    code = "not_acceptable"


class UnsupportedMediaType(Problem):
    """The body's content type is not JSON."""

    code = "unsupported_media_type"


class NotRegistered(Problem):
    """The request names no registered user."""

    code = "not_registered"


class Throttled(Problem):
    """The caller sent more than the configured rate."""

    code = "throttled"


class Internal(Problem):
    """A bug of ours."""

    code = "internal"


class Busy(Problem):
    """A lock was not had in time, or a conflict outlived its retries; nothing was written."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class Unavailable(Problem):
    """The database cannot be reached, or the connection broke before it answered."""

    code = "unavailable"

    def __init__(self, **members: object) -> None:
        super().__init__(headers={"Retry-After": "2"}, **members)


@dataclass(frozen=True)
class InputError:
    """What is wrong with one place of the input.

    `place` is "pointer", "parameter" or "header"; `limit` fills the text of the codes that have one.
    """

    place: str
    name: str
    code: str
    limit: str = ""

    def as_member(self, language: str) -> dict[str, str]:
        """One entry of `errors`, worded for people."""
        detail = FIELD_ERRORS[self.code].in_language(language).format(limit=self.limit)
        return {self.place: self.name, "code": self.code, "detail": detail}


class Invalid(Problem):
    """The input is well-formed but breaks the contract in the named places."""

    code = "invalid"

    def __init__(self, *, errors: Iterable[InputError]) -> None:
        super().__init__()
        self.errors = list(errors)


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Word the problem in the reader's language and wrap it as an HTTP answer."""
    metrics.PROBLEMS.labels(problem.code).inc()
    language = preferred_language(request)
    entry = PROBLEMS[problem.code]
    body: dict[str, object] = {
        "type": f"/problems/{problem.code}",
        "title": entry.title.in_language(language),
        "status": entry.status,
        "detail": entry.detail.in_language(language),
        "code": problem.code,
        "request_id": getattr(request, "request_id", ""),
        **problem.members,
    }
    if isinstance(problem, Invalid):
        body["errors"] = [error.as_member(language) for error in problem.errors]
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Language": language, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
    response = HttpResponse(
        content, status=entry.status, content_type=CONTENT_TYPE, headers={**headers, **problem.headers}
    )
    patch_vary_headers(response, ["Accept-Language"])
    return response
