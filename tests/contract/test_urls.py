"""The URL conf against the contract: one endpoint more, or one less, fails."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver, path

import config.endpoints
from config.urls import router
from core.http.viewsets import ApiViewSet
from tests.kit.routes import walk

ENDPOINTS = {
    ("GET", "api/v1/products"),
    ("GET", "api/v1/products/{}"),
    ("GET", "api/v1/points"),
    ("POST", "api/v1/points/charges"),
    ("GET", "api/v1/points/transactions"),
    ("GET", "api/v1/coupons"),
    ("GET", "api/v1/coupons/{}"),
    ("POST", "api/v1/coupons/{}/issue"),
    ("GET", "api/v1/issued-coupons"),
    ("GET", "api/v1/issued-coupons/{}"),
    ("POST", "api/v1/orders"),
    ("POST", "api/v1/orders/quote"),
    ("GET", "api/v1/orders"),
    ("GET", "api/v1/orders/{}"),
    ("GET", "api/v1/rankings/products"),
}
PAGES = {"", "livez", "readyz", "metrics", "problems", "problems/{}", "api/schema", "api/docs"}


ROUTES = [
    (route, view) for route, view in walk(get_resolver().url_patterns) if not route.startswith("admin/")
]
API = [(route, view) for route, view in ROUTES if route.startswith("api/v1/")]


def test_api_has_the_endpoints_of_the_contract_and_no_other() -> None:
    served = {(method.upper(), route) for route, view in API for method in view.actions if method != "head"}
    assert served == ENDPOINTS


def test_rate_limits_can_name_each_endpoint_of_the_api_and_no_other() -> None:
    served = {
        f"{view.initkwargs['basename']}-{action}" for _, view in API for action in view.actions.values()
    }
    assert served == config.endpoints.ENDPOINTS


def test_service_has_the_pages_of_the_contract_and_no_other() -> None:
    assert {route for route, _ in ROUTES} - {route for route, _ in API} == PAGES


@pytest.mark.parametrize(("route", "view"), API, ids=[route for route, _ in API])
def test_endpoints_are_viewset_actions_on_the_router(route: str, view: Callable[..., Any]) -> None:
    """Singletons such as a balance included."""
    assert issubclass(view.cls, ApiViewSet)
    assert any(view is entry.callback for entry in router.urls if isinstance(entry, URLPattern))
    assert not route.endswith("/")


def test_endpoint_beyond_the_contract_is_noticed() -> None:
    """The comparison can fail: it would see a sign-up."""
    sign_up = path("api/v1/users", lambda _request: None)
    assert "api/v1/users" in {route for route, _ in walk([*get_resolver().url_patterns, sign_up])}
