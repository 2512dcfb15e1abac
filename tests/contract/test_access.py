"""Who may do what: every endpoint and method of the URL conf, asked by everybody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from django.urls import path
from rest_framework.permissions import IsAdminUser

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.contract.test_urls import API, walk
from tests.kit import processes
from tests.kit.client import JSON, Answer, Client
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon
from users.authentication import IsRegistered
from users.models import User

SECRET = "only the gateway knows"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Access(Enum):
    """Whom an endpoint answers."""

    PUBLIC = "anybody"
    MEMBER = "any member, with what is theirs"
    OWNER = "the one member it belongs to"


PUBLIC, MEMBER, OWNER = Access
ACCESS = {
    ("GET", "api/v1/products"): PUBLIC,
    ("GET", "api/v1/products/{}"): PUBLIC,
    ("GET", "api/v1/points"): MEMBER,
    ("POST", "api/v1/points/charges"): MEMBER,
    ("GET", "api/v1/points/transactions"): MEMBER,
    ("GET", "api/v1/coupons"): PUBLIC,
    ("GET", "api/v1/coupons/{}"): PUBLIC,
    ("POST", "api/v1/coupons/{}/issue"): MEMBER,
    ("GET", "api/v1/issued-coupons"): MEMBER,
    ("GET", "api/v1/issued-coupons/{}"): OWNER,
    ("POST", "api/v1/orders"): MEMBER,
    ("POST", "api/v1/orders/quote"): MEMBER,
    ("GET", "api/v1/orders"): MEMBER,
    ("GET", "api/v1/orders/{}"): OWNER,
    ("GET", "api/v1/rankings/products"): PUBLIC,
}
# The last two ask through the gateway, whose secret they add wrong or right.
PEOPLE = ("the owner", "another member", "an id of nobody", "nobody", "a wrong secret", "the right secret")
REFUSED = {
    "another member": {OWNER: "not_found"},
    "an id of nobody": {MEMBER: "not_registered", OWNER: "not_registered"},
    "nobody": {MEMBER: "not_registered", OWNER: "not_registered"},
    "a wrong secret": {MEMBER: "untrusted_gateway", OWNER: "untrusted_gateway"},
}


@dataclass(frozen=True)
class Scene:
    """One member's things, somebody else, and the two servers they can ask."""

    owner: User
    other: User
    ids: Mapping[str, int]
    open: Client
    guarded: Client

    def ask(self, person: str, method: str, route: str, **more: Any) -> Answer:
        """The answer that a person gets about what is the owner's."""
        through_gateway = person in {"a wrong secret", "the right secret"}
        client = self.guarded if through_gateway else self.open
        url = "/" + route.format(self.ids.get(route))
        body, kind = (self.body, JSON) if method in {"POST", "PUT", "PATCH"} else (None, {})
        body = body if body is None else body.get(route, b"{}")
        headers = {**kind, **self.claims(person), **more}
        return client.send(method, url, body=body, headers=headers)

    @property
    def body(self) -> Mapping[str, bytes]:
        """What the endpoints need to be told."""
        basket = b'{"items": [{"product_id": %d, "quantity": 1}]}' % self.ids["api/v1/products/{}"]
        charge = b'{"amount": 1}'
        return {"api/v1/points/charges": charge, "api/v1/orders": basket, "api/v1/orders/quote": basket}

    def claims(self, person: str) -> dict[str, str]:
        """The headers that say who is calling."""
        owner = {"X-User-Id": str(self.owner.pk)}
        return {
            "the owner": owner,
            "another member": {"X-User-Id": str(self.other.pk)},
            "an id of nobody": {"X-User-Id": str(MAX_BIGINT)},
            "nobody": {},
            "a wrong secret": {**owner, "X-Gateway-Secret": SECRET + "?"},
            "the right secret": {**owner, "X-Gateway-Secret": SECRET},
        }[person]


@pytest.fixture(scope="module")
def guarded(django_db_setup: None, logs: Path) -> Iterator[str]:
    """A server that trusts X-User-Id only beside the gateway's secret."""
    with processes.web(log=logs / "guarded.log", GATEWAY_SECRET=SECRET) as url:
        yield url


@pytest.fixture
def scene(http: Client, guarded: str) -> Scene:
    owner, other = buyer(http), buyer(http)
    product = ProductFactory(price=1)
    coupon = CouponFactory()
    ids = {
        "api/v1/products/{}": product.pk,
        "api/v1/coupons/{}": coupon.pk,
        "api/v1/coupons/{}/issue": coupon.pk,
        "api/v1/issued-coupons/{}": hold_coupon(http, owner)["id"],
        "api/v1/orders/{}": http.order(owner, {product.pk: 1}).json["id"],
    }
    return Scene(owner, other, ids, http, Client(guarded))


def served(routes: Any) -> set[tuple[str, str]]:
    """Every endpoint with each of its methods; HEAD comes with GET."""
    found = set()
    for route, view in routes:
        methods = getattr(view, "actions", {"any": ""})
        found |= {(method.upper(), route) for method in methods if method != "head"}
    return found


def access_of(method: str, route: str) -> Access:
    """Who may use a method of a route; one that it does not have is as private as those it has."""
    known = {way: access for (way, place), access in ACCESS.items() if place == route}
    return known.get("GET" if method == "HEAD" else method, next(iter(known.values())))


def test_endpoints_are_all_classified() -> None:
    assert served(API) == ACCESS.keys()


def test_endpoint_that_is_not_classified_is_noticed() -> None:
    forgotten = path("api/v1/refunds", lambda _request: None)
    assert served([*API, *walk([forgotten])]) != ACCESS.keys()


def permissions(routes: Any) -> set[tuple[type, ...]]:
    """What the endpoints that are not public demand of a caller."""
    views = [view for route, view in routes if access_of("GET", route) is not PUBLIC]
    return {tuple(view.initkwargs.get("permission_classes", view.cls.permission_classes)) for view in views}


def test_private_endpoints_demand_a_registered_caller_and_no_more() -> None:
    """A view checks its permissions only where a request cannot be read; services check that of a member."""
    assert permissions(API) == {(IsRegistered,)}


def test_other_permission_is_noticed() -> None:
    (view,) = (view for route, view in API if route == "api/v1/orders")
    demanding = type("Demanding", (view.cls,), {"permission_classes": [IsRegistered, IsAdminUser]})
    demanded = permissions([*API, ("api/v1/orders", demanding.as_view(view.actions))])
    assert demanded == {(IsRegistered,), (IsRegistered, IsAdminUser)}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("endpoint", ACCESS, ids=" ".join)
def test_endpoint_answers_whom_it_should(scene: Scene, endpoint: tuple[str, str], person: str) -> None:
    answer = scene.ask(person, *endpoint)
    refusal = REFUSED.get(person, {}).get(ACCESS[endpoint])
    if refusal is None:
        assert answer.status in {200, 201}, answer.body
    else:
        assert answer.code == refusal
        assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)


@pytest.mark.parametrize("person", PEOPLE)
def test_head_and_methods_not_offered_reveal_no_more(scene: Scene, person: str) -> None:
    """Who may not read learns neither what is there nor which methods it has."""
    for route in sorted({route for _, route in ACCESS}):
        for method in METHODS:
            if (method, route) in ACCESS:
                continue
            answer = scene.ask(person, method, route)
            refusal = REFUSED.get(person, {}).get(access_of(method, route))
            has_head = method == "HEAD" and ("GET", route) in ACCESS
            wanted = {"not_registered": 401, "untrusted_gateway": 401, "not_found": 404 if has_head else 405}
            assert answer.status == wanted.get(str(refusal), 200 if has_head else 405), (method, route)


@pytest.mark.parametrize("route", [route for (_, route), access in ACCESS.items() if access is OWNER])
def test_object_of_another_user_answers_byte_for_byte_as_a_missing_one(scene: Scene, route: str) -> None:
    same = {"X-Request-Id": "the-same"}
    there = scene.ask("another member", "GET", route, **same)
    missing = scene.open.send(
        "GET", f"/{route.format(MAX_BIGINT)}", headers={**scene.claims("another member"), **same}
    )
    assert there.code == "not_found"
    assert there.body == missing.body
    assert without_date(there) == without_date(missing)


@pytest.mark.parametrize("route", ["orders", "orders/quote"])
def test_coupon_of_another_user_pays_byte_for_byte_as_a_missing_one(scene: Scene, route: str) -> None:
    items = [{"product_id": scene.ids["api/v1/products/{}"], "quantity": 1}]
    there, missing = (
        scene.open.post(
            route,
            {"items": items, "issued_coupon_id": coupon},
            user=scene.other,
            headers={"X-Request-Id": "the-same"},
        )
        for coupon in (scene.ids["api/v1/issued-coupons/{}"], MAX_BIGINT)
    )
    assert there.code == "coupon_not_found"
    assert there.body == missing.body
    assert without_date(there) == without_date(missing)


@pytest.mark.parametrize("route", ["orders", "issued-coupons", "points/transactions"])
def test_list_holds_only_rows_of_the_caller(scene: Scene, route: str) -> None:
    owners, others = (
        {row["id"] for row in scene.open.get(route, user=user).json["results"]}
        for user in (scene.owner, scene.other)
    )
    assert owners
    assert not owners & others


def without_date(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Date"}
