"""Pages and probes beside the shop's endpoints."""

from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from api import metrics
from api.catalogue import PROBLEMS
from api.languages import preferred_language
from api.problems import Unavailable


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """A short page that leads to the docs and the admin."""
    return _page(request, "api/index.html", {})


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's `type` leads to: the code explained."""
    if code not in PROBLEMS:
        raise Http404
    entry, language = PROBLEMS[code], preferred_language(request)
    texts = {"title": entry.title.in_language(language), "detail": entry.detail.in_language(language)}
    return _page(request, "api/problem.html", {"code": code, "status": entry.status, **texts})


@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """The database answers. Raises Unavailable where it does not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        raise Unavailable from error
    return JsonResponse({"status": "ok", "database": "ok"})


@require_safe
def prometheus(_request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus's text format."""
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def _page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    language = preferred_language(request)
    response = render(request, template, {**context, "language": language})
    response["Content-Language"] = language
    response["Vary"] = "Accept-Language"
    return response
