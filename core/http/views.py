"""Pages and probes beside the shop's endpoints."""

from collections.abc import Callable
from typing import Any

import structlog
from celery import current_app
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from core.db.primary import takes_writes
from core.http import metrics
from core.http.handler import preferred_language
from core.problems import NotFound, Unavailable, problem_types

# What a check of Redis writes, as one that only reads is of no use, is gone after so long.
READINESS_SECONDS = 10

log = structlog.get_logger(__name__)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return _page(request, "core/index.html", {})


@require_safe
def problem_list(request: HttpRequest) -> HttpResponse:
    language = preferred_language(request)
    problems = [
        {"code": kind.code, "status": kind.status, "title": kind.title.in_language(language)}
        for kind in problem_types().values()
    ]
    return _page(request, "core/problems.html", {"problems": problems})


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    # A problem's `type` leads here.
    problem = problem_types().get(code)
    if problem is None:
        raise NotFound
    language = preferred_language(request)
    texts = {"title": problem.title.in_language(language), "detail": problem.detail.in_language(language)}
    return _page(request, "core/problem.html", {"code": code, "status": problem.status, **texts})


@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    # The process answers; nothing else is asked.
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Which dependency is down. Without Redis the shop is ready, if degraded; without the database it is not.

    Raises Unavailable.
    """
    states: dict[str, Any] = {
        "database": _state("database", _check_database),
        "broker": _state("broker", _check_broker),
        "cache": _state("cache", lambda: cache.set("readiness", 1, timeout=READINESS_SECONDS)),
    }
    if states["database"] != "ok":
        raise Unavailable(**states)
    return JsonResponse({"status": "degraded" if "down" in states.values() else "ok", **states})


@require_safe
def prometheus(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def _state(dependency: str, check: Callable[[], Any]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - drivers raise many kinds; each means that it cannot be used now
        # The reason stays out of the answer, as it may hold addresses.
        log.warning("dependency_down", dependency=dependency, error=str(error))
        return "down"
    return "ok"


def _check_database() -> None:
    if not takes_writes():
        raise ConnectionError("the database takes no writes")


def _check_broker() -> None:
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel  # kombu's for Redis
        channel.client.set("readiness", 1, ex=READINESS_SECONDS)


def _page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    language = preferred_language(request)
    with translation.override(language):
        response = render(request, template, context)
    response["Content-Language"] = language
    response["Vary"] = "Accept-Language"
    return response
