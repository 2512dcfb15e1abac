"""Pages and probes beside the shop's endpoints."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from core.http import health, metrics
from core.http.languages import preferred_language
from core.problems import NotFound, Unavailable, problem_types

View = Callable[..., HttpResponse]


def safe_methods_only(view: View) -> View:
    """Answer GET and HEAD, and 405 to the rest; a missing CSRF token must not come first."""
    return csrf_exempt(require_safe(view))


@safe_methods_only
def index(request: HttpRequest) -> HttpResponse:
    """A short page that leads to the docs and the admin."""
    return _page(request, "core/index.html", {})


@safe_methods_only
def problem_list(request: HttpRequest) -> HttpResponse:
    """Every code that an error can have."""
    language = preferred_language(request)
    problems = [
        {"code": kind.code, "status": kind.status, "title": kind.title.in_language(language)}
        for kind in problem_types().values()
    ]
    return _page(request, "core/problems.html", {"problems": problems})


@safe_methods_only
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's `type` leads to: the code explained."""
    problem = problem_types().get(code)
    if problem is None:
        raise NotFound
    language = preferred_language(request)
    texts = {"title": problem.title.in_language(language), "detail": problem.detail.in_language(language)}
    return _page(request, "core/problem.html", {"code": code, "status": problem.status, **texts})


@safe_methods_only
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@safe_methods_only
def readyz(_request: HttpRequest) -> HttpResponse:
    """Which dependency is down. Without Redis the shop is ready, if degraded; without the database it is not.

    Raises Unavailable.
    """
    states: dict[str, Any] = {**health.check_all()}
    if states["database"] != health.OK:
        raise Unavailable(**states)
    well = set(states.values()) == {health.OK}
    return JsonResponse({"status": "ok" if well else "degraded", **states})


@safe_methods_only
def prometheus(_request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus's text format."""
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def _page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    language = preferred_language(request)
    with translation.override(language):
        response = render(request, template, {**context, "language": language})
    response["Content-Language"] = language
    response["Vary"] = "Accept-Language"
    return response
