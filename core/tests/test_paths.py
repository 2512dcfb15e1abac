"""Paths that a proxy may read as others, sent as they stand."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from core.http.problems import standing_for
from tests.kit.client import Answer, Client

AMBIGUOUS = (
    "/./api/v1/products",
    "/api/./v1/products",
    "/api/v1/products/.",
    "/api/v1/x/../products",
    "/api/v1/products/..",
    "/../api/v1/products",
    "/api/v1/%2e/products",
    "/api/v1/x/%2e%2e/products",
    "/api/v1/x/%2E./products",
    "/api/v1/x/.%2e/products",
    "/api/v1/x/..;y=1/products",
    "/api/v1/x%2f..%2fproducts",
    "/api/v1/x%2F%2e%2e%2Fproducts",
    "/admin/../api/v1/products",
    "/admin/x/%2e%2e/%2E%2E/api/v1/products",
    "/admin/..",
    "/admin/.",
    "/admin/%2e%2e",
    "/static/../api/v1/products",
    "/static/api/../api/favicon.svg",
    "/static/api/./favicon.svg",
    "/static/%2e%2e/settings.py",
    "/problems/../livez",
    "/livez/../metrics",
    # Empty segments, encoded slashes, backslashes.
    "//api/v1/products",
    "///metrics",
    "//admin/login/",
    "/admin//login/",
    "/api%2fv1%2fproducts",
    "/admin%2Flogin/",
    "/admin%5Clogin/",
    "/admin\\login/",
    "/api/v1\\..\\products",
    "http://localhost//api/v1/products",
    # Of a scheme without an authority, which a server may drop.
    "x:/metrics",
    "javascript:/api/v1/products",
    "http://localhost/admin/../api/v1/products",
    # A fragment: what is before it a server may take for the whole target.
    "/admin/..#",
    "/admin/..#/../x",
    "/livez#x",
    "/livez?x#y",
    "http://localhost#/admin/",
)
# Dots that are text, another spelling of the same path (RFC 3986, 6.2.2.2), and what is no path.
PLAIN = {
    "/api/v1/%70roducts": 200,
    "/api/v1/products?x=/../%2e%2e/": 200,
    "/api/v1/products?cursor=": 200,
    "http://localhost/api/v1/products": 200,
    "/api/v1/%252e%252e/products": 404,
    "/api/v1/...": 404,
    "/api/v1/products.": 404,
    "/api/v1/products..": 404,
    "/api/v1/products;x=1": 404,
    "/api/v1/.products": 404,
    "/admin/login/..%252fx": 302,
    "*": 404,
    "api/v1/products": 404,
    "admin/": 404,
}


def send_as_it_stands(site: Client, target: str, method: str = "GET") -> Answer:
    """Other clients resolve the dots themselves."""
    connection = HTTPConnection(urlsplit(site.url).netloc, timeout=30)
    connection.putrequest(method, target)
    connection.endheaders()
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


@pytest.mark.parametrize("target", AMBIGUOUS)
def test_path_that_could_be_read_as_another_is_not_found(site: Client, target: str) -> None:
    answer = send_as_it_stands(site, target)
    assert (answer.status, answer.code) == (404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"
    assert send_as_it_stands(site, target, "POST").code == "not_found"


@pytest.mark.parametrize("target", PLAIN)
def test_path_with_one_reading_is_found(site: Client, target: str) -> None:
    answer = send_as_it_stands(site, target)
    assert answer.status == PLAIN[target]
    assert answer.status != 404 or answer.code == "not_found"


def test_parameters_of_any_bytes_and_number_get_a_definite_answer(site: Client) -> None:
    assert site.get("products?x=%00&%FF=%FF&page_size=1").status == 200
    for parameter in ("cursor", "page_size"):
        for value in ("%00", "%FF", "%F0%9F%8D%8E", "%zz"):
            assert site.get(f"products?{parameter}={value}").code == "invalid"


def test_list_with_too_many_parameters_is_invalid(site: Client) -> None:
    many = "&".join("a" for _ in range(1_001))
    answer = site.get(f"products?{many}")
    (error,) = answer.json["errors"]
    assert (answer.status, answer.code, error["code"]) == (400, "invalid", "too_many_parameters")
    assert site.get(f"orders?{many}").code == "not_registered"
    assert site.get(f"products?{many[:-2]}").status == 200


@pytest.mark.parametrize("range_asked_for", ["bytes=99999999-", "bytes=0-0", "bytes=5-9", "x"])
def test_static_file_comes_as_a_whole(site: Client, range_asked_for: str) -> None:
    file = site.get("/static/api/favicon.svg", headers={"Range": range_asked_for})
    assert (file.status, file.body) == (200, site.get("/static/api/favicon.svg").body)


@pytest.mark.parametrize(("status", "code"), [(416, "malformed"), (418, "malformed"), (599, "internal")])
def test_error_of_any_status_keeps_its_class(status: int, code: str) -> None:
    assert standing_for(status).code == code
    assert standing_for(status).status // 100 == status // 100
