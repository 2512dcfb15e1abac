"""From any exception to the problem the client is told."""

import json
from collections.abc import Mapping
from math import ceil
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework import exceptions

from core.db.transactions import database_problem
from core.http import metrics
from core.http.languages import preferred_language
from core.http.problems import (
    Internal,
    Malformed,
    MethodNotAllowed,
    NotAcceptable,
    Throttled,
    TooLarge,
    UnsupportedMediaType,
)
from core.http.serializers import input_errors
from core.problems import CONTENT_TYPE, Busy, Invalid, NotFound, NotRegistered, Problem, Unavailable

log = structlog.get_logger(__name__)

_TRANSLATIONS: list[tuple[type[Exception], type[Problem]]] = [
    (Http404, NotFound),
    (exceptions.NotFound, NotFound),
    (exceptions.ParseError, Malformed),
    (exceptions.NotAuthenticated, NotRegistered),
    (exceptions.MethodNotAllowed, MethodNotAllowed),
    (exceptions.NotAcceptable, NotAcceptable),
    (exceptions.UnsupportedMediaType, UnsupportedMediaType),
    (RequestDataTooBig, TooLarge),
    (SuspiciousOperation, Malformed),
    (PermissionDenied, NotFound),
]


def handle_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER: every exception of a view becomes a problem, a bug too."""
    return problem_response(context["request"]._request, problem_of(error))  # noqa: SLF001 - DRF has no other way


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Word the problem in the reader's language and wrap it as an HTTP answer."""
    metrics.PROBLEMS.labels(problem.code).inc()
    language = preferred_language(request)
    body: dict[str, object] = {
        "type": f"/problems/{problem.code}",
        "title": problem.title.in_language(language),
        "status": problem.status,
        "detail": problem.detail.in_language(language),
        "code": problem.code,
        "request_id": getattr(request, "request_id", ""),
        **problem.extension_members,
    }
    if isinstance(problem, Invalid):
        body["errors"] = [error.to_dict(language) for error in problem.errors]
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Language": language, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
    response = HttpResponse(
        content, status=problem.status, content_type=CONTENT_TYPE, headers={**headers, **problem.headers}
    )
    patch_vary_headers(response, ["Accept-Language"])
    return response


def problem_of(error: Exception) -> Problem:
    """The problem that says what the exception means to the client."""
    if isinstance(error, Problem):
        _note(error, error.__cause__)
        return error
    if isinstance(error, exceptions.ValidationError):
        return Invalid(errors=input_errors(error.detail))
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, ceil(error.wait or 1))  # type: ignore[attr-defined]
        return Throttled(headers={"Retry-After": str(seconds)})
    for kind, problem in _TRANSLATIONS:
        if isinstance(error, kind):
            return problem(headers=_challenge(error))
    return _failure(error)


def _challenge(error: Exception) -> dict[str, str]:
    """The WWW-Authenticate that DRF hangs on its authentication errors."""
    header = getattr(error, "auth_header", None)
    return {"WWW-Authenticate": header} if header else {}


def come_again(error: Exception) -> Problem | None:
    """Busy or Unavailable where the database is, which is logged without a trace; None for anything else."""
    if isinstance(error, Busy | Unavailable):
        _note(error, error.__cause__)
        return error
    if isinstance(error, DatabaseError | InterfaceError) and (problem := database_problem(error)):
        _note(problem, error)
        return problem
    return None


def _failure(error: Exception) -> Problem:
    """A database that is away or busy, else a bug, which is logged with its trace."""
    if problem := come_again(error):
        return problem
    log.error("bug", exc_info=error)
    return Internal()


def _note(problem: Problem, failure: BaseException | None) -> None:
    if isinstance(failure, DatabaseError | InterfaceError):
        log.warning("database_failure", code=problem.code, error=str(failure).partition("\n")[0])
