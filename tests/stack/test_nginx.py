"""deploy/nginx/pointshop.conf in a real nginx, in front of the running stack."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import urllib3

from tests.kit.client import JSON
from tests.kit.compose import GIVEN
from tests.kit.machine import Machine
from tests.kit.processes import free_port, until
from tests.stack.gateway import Echo, Full, Identity, Outside, another, make_files, nginx, service

FORGED = [
    {"X-User-Id": "7"},
    {"X_User_Id": "7"},
    {"x-user-id": "7", "X-Gateway-Secret": GIVEN["GATEWAY_SECRET"]},
    {"X_User_Id": "7", "X_Gateway_Secret": GIVEN["GATEWAY_SECRET"]},
]
# What browsers say where a page of another site makes them ask.
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "https://shop.example.evil.example"},
    {"Origin": "http://shop.example"},
    {"Origin": "https://shop.example:8443"},
    {"Origin": "null"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
OWN = [
    {},
    {"Origin": "https://shop.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
]
ALLOWED, REFUSED = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("nginx")
    make_files(made)
    return made


@pytest.fixture(scope="module")
def ports(stack: Machine) -> Iterator[dict[str, int]]:
    with service(Identity) as identity:
        yield {
            "http": free_port(),
            "https": free_port(),
            "web": stack.port("web"),
            "identity": identity,
        }


@pytest.fixture(scope="module")
def outside(folder: Path, ports) -> Iterator[Outside]:
    with nginx(folder, ports) as running:
        yield running


@pytest.fixture
def echo() -> Iterator[int]:
    with service(Echo) as port:
        yield port


def test_member_is_named_by_the_identity_service(outside: Outside):
    assert outside.ask("points", member=3).json["user_id"] == 3
    assert outside.ask("points", member=4).json["user_id"] == 4


@pytest.mark.parametrize("forged", FORGED, ids=repr)
def test_header_makes_no_visitor_a_member(outside: Outside, forged):
    assert outside.ask("points", headers=forged).code == "not_registered"
    assert outside.ask("points", member="wrong", headers=forged).code == "not_registered"
    assert outside.ask("points", member=3, headers=forged).json["user_id"] == 3


def test_gateway_that_passed_the_header_on_would_be_noticed(folder, ports):
    careless = {"proxy_set_header X-User-Id $member;": ""}
    with another(folder, ports, changes=careless) as open_door:
        assert open_door.ask("points", headers={"X-User-Id": "7"}).json["user_id"] == 7


def test_visitors_see_what_is_public(outside: Outside):
    assert outside.ask("products").status == 200
    assert outside.ask("products", member="wrong").status == 200
    assert outside.ask("/api/docs").status == 200


def test_operators_pages_are_not_found_from_outside(outside: Outside):
    assert {outside.ask(path).status for path in ("/metrics", "/readyz", "/livez", "/_identity")} == {404}


def test_request_keeps_its_id_if_it_has_a_good_one(outside: Outside):
    assert (
        outside.ask("products", headers={"X-Request-Id": "of-a-client"}).headers["X-Request-Id"]
        == "of-a-client"
    )
    made = outside.ask("products", headers={"X-Request-Id": 'no "good" id'}).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", made)


def test_refusals_of_the_shop_are_passed_on_unchanged(outside: Outside):
    body = b'{"amount": ' + b" " * 70_000 + b"1}"
    token = {"Authorization": "Bearer 3", "Host": "shop.example", "Content-Type": "application/json"}
    assert outside.send("POST", "points/charges", body=body, headers=token).code == "too_large"


def test_body_over_a_mebibyte_is_too_large(outside: Outside):
    pieces = (b" " * 65_536 for _ in range(32))
    for body in (b" " * 2_000_000, pieces):
        answer = outside.send("POST", "points/charges", body=body, headers={**JSON, "Host": "shop.example"})
        assert (answer.status, answer.code) == (413, "too_large")


def test_shop_that_is_away_is_a_problem_with_retry_after(folder, ports):
    with another(folder, ports, web=free_port()) as gone:
        for path in ("products", "/", "/api/docs", "/admin/"):
            answer = gone.ask(path)
            assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "2")


def test_shop_that_does_not_answer_in_time_is_unavailable(folder, ports):
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        hasty = {"proxy_read_timeout 30s;": "proxy_read_timeout 1s;"}
        with another(folder, ports, web=deaf.getsockname()[1], changes=hasty) as gateway:
            assert gateway.ask("products").code == "unavailable"


def test_browser_of_an_allowed_origin_can_read_that_the_shop_is_away(folder, ports):
    with another(folder, ports, web=free_port()) as gone:
        headers = gone.ask("products", headers=ALLOWED).headers
        assert (headers["Access-Control-Allow-Origin"], headers["Vary"]) == (ALLOWED["Origin"], "Origin")
        assert "Retry-After" in headers["Access-Control-Expose-Headers"].split(", ")
        preflight = gone.ask("orders", method="OPTIONS", headers={**ALLOWED, **PREFLIGHT})
        assert (preflight.status, preflight.headers["Access-Control-Allow-Headers"]) == (
            204,
            "idempotency-key",
        )
        assert "Access-Control-Allow-Origin" not in gone.ask("products", headers=REFUSED).headers
        assert gone.ask("orders", method="OPTIONS", headers={**REFUSED, **PREFLIGHT}).status == 503


def test_headers_of_the_shop_are_not_added_twice(outside: Outside):
    for path, status in (("products", 200), ("products/0", 404)):
        answer = outside.ask(path, headers=ALLOWED)
        assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_retry_after_is_not_sent_twice(folder, ports):
    with service(Full) as full, another(folder, ports, web=full) as outside:
        assert outside.ask("products").headers["Retry-After"] == "5"


@pytest.mark.parametrize("foreign", FOREIGN, ids=repr)
def test_page_of_another_site_writes_nothing_for_a_member(outside: Outside, foreign):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = outside.ask("coupons/1/issue", method=method, headers={"Cookie": "member=3", **foreign})
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_visitor_refused_by_the_identity_service_gets_a_problem(outside: Outside):
    answer = outside.ask("points", member="banned")
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_method_that_nginx_takes_nowhere_is_a_problem(outside: Outside):
    answer = outside.ask("products", method="TRACE")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Content-Type"] == "application/problem+json"


UNREADABLE = {
    "a long path": ["GET /api/v1/products?x=" + "x" * 9_000 + " HTTP/1.1"],
    "a long header": ["GET /api/v1/products HTTP/1.1", "X-Big: " + "x" * 9_000],
    "a version that nobody has": ["GET /api/v1/products HTTP/3.0"],
    "a coding that nobody has": ["POST /api/v1/orders HTTP/1.1", "Transfer-Encoding: gzip"],
    "two lengths": ["POST /api/v1/orders HTTP/1.1", "Content-Length: 1", "Content-Length: 2"],
}


@pytest.mark.parametrize("lines", UNREADABLE.values(), ids=UNREADABLE)
def test_request_that_nginx_cannot_read_is_a_problem(outside: Outside, lines: list[str]):
    answer = outside.ask_by_lines([*lines, "Host: shop.example"])
    assert (answer.status, answer.code) == (400, "malformed")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("own", OWN, ids=repr)
def test_shop_s_own_pages_and_programs_write(outside: Outside, own):
    answer = outside.ask("points/charges", method="POST", headers={"Cookie": "member=3", **own})
    assert answer.code == "invalid"


def test_page_of_another_site_reads_as_a_visitor(outside: Outside):
    cookie, foreign = {"Cookie": "member=3"}, {"Sec-Fetch-Site": "cross-site"}
    assert outside.ask("points", headers=cookie).json["user_id"] == 3
    assert outside.ask("points", headers={**cookie, **foreign}).code == "not_registered"
    assert outside.ask("points", member=3, headers=foreign).code == "not_registered"
    assert outside.ask("products", headers={**cookie, **foreign}).status == 200


def test_gateway_that_trusted_any_page_would_be_noticed(folder, ports):
    careless = {
        "if ($foreign_write)": "if ($member)",
        "Cookie $own_cookie": "Cookie $http_cookie",
    }
    with another(folder, ports, changes=careless) as open_door:
        answer = open_door.ask("points/charges", method="POST", headers={"Cookie": "member=3", **REFUSED})
        assert answer.code == "invalid"


AMBIGUOUS = (
    "/admin/../api/v1/points",
    "/api/v1/../../admin/",
    "/api/v1/%2e%2e/%2E./admin/",
    "/static/./x",
    "/api/v1/products/..",
    "/api/v1/..;x/products",
    "/api/v1/..%2f..%2fadmin/",
    "/admin%2flogin/",
    "/admin%5Clogin/",
    "/api\\..\\admin/",
    "//admin/",
    "/api//v1/products",
    "https://shop.example/x/../admin/",
    "/admin/..#",
    "/livez?x#y",
)


def test_path_that_could_be_read_as_another_is_not_passed_on(folder, ports, echo):
    with another(folder, ports, web=echo) as gateway:
        answers = {path: gateway.ask_as_it_stands(path) for path in AMBIGUOUS}
        assert {path: answer.code for path, answer in answers.items()} == dict.fromkeys(
            AMBIGUOUS, "not_found"
        )
        for path in ("/api/v1/products?next=/../", "/api/v1/%252e%252e/x", "/api/v1/...", "/api/v1/a..b"):
            assert gateway.ask_as_it_stands(path).json["path"] == path


def test_gateway_that_passed_such_paths_on_would_be_noticed(folder, ports, echo):
    with another(folder, ports, web=echo, changes={"if ($ambiguous)": "if ($member)"}) as careless:
        path = "/admin/../api/v1/points"
        assert careless.ask_as_it_stands(path).json["path"] == path


def test_links_name_the_port_that_was_asked(outside: Outside):
    answer = outside.ask("products?page_size=1", headers={"Host": "shop.example:8443"})
    assert "://shop.example:8443/" in answer.json["next"]


def test_json_is_compressed_and_pages_with_tokens_are_not(outside: Outside):
    gzip = {"Accept-Encoding": "gzip", "Host": "shop.example"}
    basket = {"items": [{"product_id": 10**15 + each, "quantity": 1} for each in range(100)]}
    problem = outside.post("orders", basket, headers={**gzip, "Authorization": "Bearer 3"})
    assert (problem.code, problem.headers["Content-Encoding"]) == ("product_not_found", "gzip")
    assert outside.ask("/api/schema", headers=gzip).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in outside.ask("/admin/login/", headers=gzip).headers


def test_request_beyond_the_rate_of_its_address_gets_429_with_retry_after(folder, ports):
    strict = {"rate=50r/s": "rate=1r/m", "burst=200": "burst=3"}
    with another(folder, ports, changes=strict) as gateway:
        answers = [gateway.ask("products", headers=ALLOWED) for _ in range(6)]
    assert (answers[-1].status, answers[-1].code, answers[-1].headers["Retry-After"]) == (
        429,
        "throttled",
        "1",
    )
    assert answers[-1].headers["Access-Control-Allow-Origin"] == ALLOWED["Origin"]


def test_address_has_a_bounded_number_of_requests_at_once(folder, ports):
    with another(folder, ports, changes={"connections 100;": "connections 1;"}) as gateway:
        slow = gateway.connection()
        slow.putrequest("POST", "/api/v1/orders", skip_host=True)
        for name, value in {"Host": "shop.example", "Content-Length": "100"}.items():
            slow.putheader(name, value)
        slow.endheaders(b"half")
        until(lambda: gateway.ask("products").status == 429)
        slow.close()
        until(lambda: gateway.ask("products").status == 200)


def test_plain_http_is_sent_to_tls(outside: Outside, ports):
    answer = urllib3.request("GET", f"http://127.0.0.1:{ports['http']}/api/v1/products", redirect=False)
    assert answer.status == 308
    assert answer.headers["Location"].startswith("https://")
