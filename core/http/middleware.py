"""Middleware: request ids, ambiguous paths, security headers, and problems in place of error pages."""

import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import structlog
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.utils import translation

from core.http import metrics
from core.http.handler import error_response, named_caller, problem_of, problem_response
from core.http.problems import standing_for
from core.problems import CONTENT_TYPE, NotFound

GetResponse = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("api.access")

# Pages carry their styles with them; none carries a script.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The admin's own scripts: Alpine evaluates the expressions that its pages carry in attributes.
ADMIN_CONTENT_SECURITY_POLICY = f"{CONTENT_SECURITY_POLICY}; script-src 'self' 'unsafe-eval'"
# Health checks and Prometheus ask a process by its address, or by a name that the public does not use.
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_AUTHORITY = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_AMBIGUOUS_SLASH = re.compile(r"//|\\|%2f|%5c", re.IGNORECASE)


def request_ids(get_response: GetResponse) -> GetResponse:
    """Echo or make X-Request-Id, bind it to every log line, measure and log the request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            response["X-Request-Id"] = request_id
            if request.path.startswith(settings.STATIC_URL) and response.status_code < HTTPStatus.BAD_REQUEST:
                return response
            seconds = time.perf_counter() - began
            metrics.observe_request(request, response, seconds)
            refusal = _refused(request, response) if response.status_code >= HTTPStatus.BAD_REQUEST else {}
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                **refusal,
            )
        return response

    return middleware


def _refused(request: HttpRequest, response: HttpResponse) -> dict[str, object]:
    problem = getattr(response, "problem", None)
    # The admin's pages carry no problem.
    if problem is None:
        return {}
    member = named_caller(request)
    return {"code": problem.code} if member is None else {"code": problem.code, "member": member}


def refuse_ambiguous_paths(get_response: GetResponse) -> GetResponse:
    """Answer 404 to a path that a proxy may read as another, and apply that one's rules to it.

    It has a dot or empty segment, a backslash or an encoded slash, or does not begin with a slash; or a
    fragment follows, which no request may have (RFC 9112, 3.2).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        target = request.META.get("REQUEST_URI") or request.get_full_path()
        path = _AUTHORITY.sub("", target).partition("?")[0]
        # Some servers drop a segment's parameters (`..;x`) before they look at it.
        segments = {segment.partition(";")[0] for segment in unquote(path).split("/")}
        is_rooted = path.startswith("/") or not path
        if not is_rooted or "#" in target or segments & {".", ".."} or _AMBIGUOUS_SLASH.search(path):
            return problem_response(request, NotFound())
        return get_response(request)

    return middleware


def ignore_ranges(get_response: GetResponse) -> GetResponse:
    """Let every static file come as a whole."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # WhiteNoise refuses what a file does not have, which it may ignore, and a range of one byte.
        request.META.pop("HTTP_RANGE", None)
        return get_response(request)

    return middleware


class AllowedHosts(CommonMiddleware):
    """Django's common middleware, which refuses an unknown Host; PROBES answer under any."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        return None if request.path_info in PROBES else super().process_request(request)


def content_security_policy(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = ADMIN_CONTENT_SECURITY_POLICY if _in_admin(request) else CONTENT_SECURITY_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


class SkipAdminMiddleware(BaseHandler):
    """Outside the admin, call the view at once, without the middleware listed after this one.

    Sessions, CSRF tokens, accounts and messages are nothing to an API whose gateway says who is calling, and
    take 80 us a request, where issuing a coupon takes 1.1 ms of the process (28 November 2026).
    """

    _view_middleware = _template_response_middleware = ()

    def __init__(self, get_response: GetResponse) -> None:
        self.get_admin_response = get_response
        self.get_view_response = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_admin_response if _in_admin(request) else self.get_view_response
        return cast("HttpResponse", answer(request))

    def process_exception_by_middleware(self, exception: Exception, request: HttpRequest) -> HttpResponse:
        # Plain views' alone come here: those of DRF are answered before.
        return error_response(request, exception)


def admin_locale(get_response: GetResponse) -> GetResponse:
    localised = LocaleMiddleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        # Django leaves a language active in its thread, whose next request may be another client's.
        with translation.override(settings.LANGUAGE_CODE):
            return cast("HttpResponse", localised(request))

    return middleware


class ProblemResponses:
    """Outside the admin, a problem in place of any other error answer; the API is never stored."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _in_admin(request):
            return response
        if response.status_code >= HTTPStatus.BAD_REQUEST and response.get("Content-Type") != CONTENT_TYPE:
            headers = {"Allow": response["Allow"]} if "Allow" in response else {}
            response = problem_response(request, standing_for(response.status_code)(headers=headers))
        if request.path.startswith("/api/"):
            response["Cache-Control"] = "no-store"
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        problem = problem_of(error)
        if problem is None or problem.status != HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        # The page, for staff, asks the database nothing.
        page = render(request, "backoffice/come_again.html", status=problem.status)
        for name, value in {**problem.headers, "Cache-Control": "no-store"}.items():
            page[name] = value
        return page


def _in_admin(request: HttpRequest) -> bool:
    return request.path_info == "/admin" or request.path_info.startswith("/admin/")
