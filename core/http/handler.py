"""Exceptions as problem details (RFC 9457)."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation, TooManyFieldsSent
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework import exceptions

from core.db.transactions import database_problem
from core.http import metrics
from core.http.problems import BY_STATUS, Internal, Throttled
from core.http.serializers import input_errors
from core.problems import CONTENT_TYPE, InputError, Invalid, Problem

log = structlog.get_logger(__name__)


def handle_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    # DRF's EXCEPTION_HANDLER may leave a bug to Django; this one answers it, too.
    return error_response(context["request"]._request, error)  # noqa: SLF001 - DRF has no other way


def error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """A bug is answered as Internal, and logged with its trace."""
    problem = problem_of(error)
    if problem is None:
        log.error("bug", exc_info=error)
    return problem_response(request, problem or Internal())


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """In the reader's language, and counted; the answer's `problem` is the problem, for the log."""
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
    response = JsonResponse(
        body,
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers={"Content-Language": language, "Cache-Control": "no-store", **problem.headers},
        json_dumps_params={"ensure_ascii": False},
    )
    response.problem = problem  # type: ignore[attr-defined]
    patch_vary_headers(response, ["Accept-Language"])
    return response


def preferred_language(request: HttpRequest) -> str:
    """English where Accept-Language ranks it above Korean, else Korean."""
    for tag, quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        language = tag.split("-")[0]
        if quality > 0 and language in {"ko", "en"}:
            return language
    return "ko"


def named_caller(request: HttpRequest) -> int | None:
    """The caller whom the gateway named, registered or not; None before authentication or if that failed."""
    pk: int | None = getattr(getattr(request, "user", None), "pk", None)
    return pk


def problem_of(error: Exception) -> Problem | None:
    """The problem for an exception; None for a bug. A database failure is logged in one line."""
    if isinstance(error, exceptions.ValidationError):
        return Invalid(errors=input_errors(error.detail))
    if isinstance(error, TooManyFieldsSent):  # in the query: no body is a form
        return Invalid(errors=[InputError("parameter", "", "too_many_parameters")])
    if isinstance(error, exceptions.Throttled):
        return Throttled(headers={"Retry-After": str(max(1, ceil(error.wait or 1)))})  # type: ignore[attr-defined]
    failure: BaseException | None = error
    problem: Problem | None = None
    if isinstance(error, Problem):
        problem, failure = error, error.__cause__
    elif isinstance(error, DatabaseError | InterfaceError):
        problem = database_problem(error)
    elif kind := BY_STATUS.get(_status_of(error)):
        problem = kind()
    if problem and isinstance(failure, DatabaseError | InterfaceError):
        log.warning("database_failure", code=problem.code, error=str(failure).partition("\n")[0])
    return problem


def _status_of(error: Exception) -> int:
    if isinstance(error, exceptions.APIException):
        return error.status_code
    if isinstance(error, Http404 | PermissionDenied):
        return 404
    return 400 if isinstance(error, SuspiciousOperation) else 500
