"""URLs, methods and content negotiation: 404, 405, 406."""

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import nothing_written
from users.factories import UserFactory

NOWHERE = (
    "/nothing",
    "/api",
    "/api/v1",
    "/api/v1/",
    "/api/v1/users",
    "/api/v1/refunds",
    "/api/v1/PRODUCTS",
    "/api/v1//products",
    "/api/v1/products/",
    "/api/v1/points/",
    "/api/v1/orders/quote/",
    "/api/v1/orders/1/refund",
    "/api/v1/products.json",
    "/api/docs/",
    "/livez/",
    "/problems/never_heard_of",
    "/problems/invalid/",
    "/static/nothing.js",
    "/%00",
    "/%F0%9F%8D%8E",
    "/%FF",
)
NO_ID = ("0", "01", "-1", "+1", "1.0", "1e3", "abc", "%EF%BC%91", "%00", "1%00", "1%0A", "%20", "1_0")
COLLECTIONS = ("products", "coupons", "orders", "issued-coupons")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROB")
READ = {"GET", "HEAD"}
ALLOWED = {
    "products": READ,
    "products/1": READ,
    "points": READ,
    "points/charges": {"POST"},
    "points/transactions": READ,
    "coupons": READ,
    "coupons/1": READ,
    "coupons/1/issue": {"POST"},
    "issued-coupons": READ,
    "issued-coupons/1": READ,
    "orders": READ | {"POST"},
    "orders/quote": {"POST"},
    "orders/1": READ,
    "rankings/products": READ,
}
PAGES = ("/", "/livez", "/readyz", "/metrics", "/problems/invalid")
REFUSED = [(path, method) for path, allowed in ALLOWED.items() for method in METHODS if method not in allowed]


@pytest.mark.parametrize("path", NOWHERE)
def test_unknown_url_is_not_found(site: Client, path: str) -> None:
    answer = site.get(path)
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("method", METHODS)
def test_unknown_url_is_not_found_by_any_method(site: Client, method: str) -> None:
    answer = site.send(method, "/api/v1/nothing")
    assert answer.status == 404
    assert method == "HEAD" or answer.code == "not_found"


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("spelling", NO_ID)
def test_id_in_any_other_spelling_is_not_found(site: Client, collection: str, spelling: str) -> None:
    answer = site.get(f"{collection}/{spelling}")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("digits", [19, 20, 1_000, 5_000])
def test_id_of_any_size_is_well_formed(http: Client, digits: int) -> None:
    user = UserFactory()
    for collection in COLLECTIONS:
        assert http.get(f"{collection}/{'9' * digits}", user=user).code == "not_found"
    assert http.post(f"coupons/{'9' * digits}/issue", user=user).code == "not_found"


def test_method_not_offered_is_refused_and_the_offered_ones_are_named(http: Client) -> None:
    user = UserFactory()
    with nothing_written():
        answers = {(path, method): http.send(method, path, user=user) for path, method in REFUSED}
    assert {each.status for each in answers.values()} == {405}
    assert {each.code for (_, method), each in answers.items() if method != "HEAD"} == {"method_not_allowed"}
    for (path, _), answer in answers.items():
        assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_page_is_only_read(site: Client, path: str, method: str) -> None:
    answer = site.send(method, path)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == READ


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_documentation_is_only_read(site: Client, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = site.send(method, path)
        assert (answer.code, set(answer.headers["Allow"].split(", "))) == ("method_not_allowed", READ)


@pytest.mark.parametrize("path", [*PAGES, "/api/schema", "/api/docs"])
def test_page_answers_get_and_head(site: Client, path: str) -> None:
    got, head = site.get(path), site.send("HEAD", path)
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


def test_head_answers_as_get_without_the_body(http: Client) -> None:
    user, product = UserFactory(), ProductFactory()
    for path in ("products", f"products/{product.pk}", "coupons", "points", "orders", "rankings/products"):
        head = http.send("HEAD", path, user=user)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Type"] == "application/json"


def test_head_of_a_missing_object_is_not_found(site: Client) -> None:
    answer = site.send("HEAD", "products/1")
    assert (answer.status, answer.body) == (404, b"")
    assert answer.headers["Content-Type"] == "application/problem+json"


UNREADABLE = (
    "text/html",
    "application/xml",
    "application/problem+xml",
    "application/jsonp",
    "garbage",
    "text/*",
)
UNWANTED = ("application/json;q=0", "application/json; q=0.0, text/html", "*/*;q=0")


@pytest.mark.parametrize("accept", [*UNREADABLE, *UNWANTED])
def test_answer_in_another_form_is_not_acceptable(http: Client, accept: str) -> None:
    user, headers = UserFactory(), {"Accept": accept}
    with nothing_written():
        assert http.get("products", headers=headers).code == "not_acceptable"
        assert http.get("points", user=user, headers=headers).status == 406
        assert http.post("points/charges", {"amount": 1}, user=user, headers=headers).status == 406


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json; indent=4",
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "application/json;q=0.5",
        "application/problem+json",
        "text/html, application/problem+json;q=0.1",
        "",
    ],
)
def test_json_is_given_where_it_is_accepted(site: Client, accept: str) -> None:
    answer = site.get("products", headers={"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert b"\n" not in answer.body
    assert site.get("products/0", headers={"Accept": accept}).code == "not_found"


def test_format_parameter_does_not_change_the_form(site: Client) -> None:
    assert site.get("products?format=xml").headers["Content-Type"] == "application/json"


HOSTS = ("evil.example", "localhost, evil.example", "10.1.2.3:8000", "[::1", "a b", "")


@pytest.mark.parametrize("host", HOSTS)
def test_probe_answers_under_any_host(site: Client, host: str) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert site.send("GET", path, headers={"Host": host}).status == 200
        assert site.send("HEAD", path, headers={"Host": host}).status == 200


@pytest.mark.parametrize("host", HOSTS)
def test_request_under_an_unknown_host_is_refused_except_for_probes(site: Client, host: str) -> None:
    for path in (
        "/",
        "/nothing",
        "/livez/",
        "/api/schema",
        "/api/docs",
        "/api/v1/products",
        "/problems/invalid",
    ):
        answer = site.get(path, headers={"Host": host})
        assert (answer.status, answer.code) == (400, "malformed")
    assert site.get("/admin/login/", headers={"Host": host}).status == 400


OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method")


def test_method_is_changed_by_no_header_or_parameter(http: Client) -> None:
    user, coupon = UserFactory(), CouponFactory()
    with nothing_written():
        for name in OVERRIDES:
            for method in ("GET", "HEAD"):
                path = f"coupons/{coupon.pk}/issue?_method=POST&{name}=POST"
                assert http.send(method, path, user=user, headers={name: "POST"}).status == 405
            answer = http.post("points?_method=GET", user=user, headers={name: "GET"})
            assert answer.code == "method_not_allowed"
