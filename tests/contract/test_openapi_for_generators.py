"""What code generators need of the OpenAPI document, and the names that their users rely on."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from core.http.schema import UNIONS, UNIONS_OF_A_TOPIC
from core.problems import problem_types
from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.events import body
from tests.kit.processes import ROOT
from tests.kit.scenes import buyer

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    "list_products": "get /api/v1/products",
    "get_product": "get /api/v1/products/{id}",
    "get_balance": "get /api/v1/points",
    "charge_points": "post /api/v1/points/charges",
    "list_transactions": "get /api/v1/points/transactions",
    "list_coupons": "get /api/v1/coupons",
    "get_coupon": "get /api/v1/coupons/{id}",
    "issue_coupon": "post /api/v1/coupons/{id}/issue",
    "list_issued_coupons": "get /api/v1/issued-coupons",
    "get_issued_coupon": "get /api/v1/issued-coupons/{id}",
    "place_order": "post /api/v1/orders",
    "quote_order": "post /api/v1/orders/quote",
    "list_orders": "get /api/v1/orders",
    "get_order": "get /api/v1/orders/{id}",
    "get_best_sellers": "get /api/v1/rankings/products",
}
PUBLIC = {"list_products", "get_product", "list_coupons", "get_coupon", "get_best_sellers"}
NAMES = {
    *("Product", "ProductPage", "PointBalance", "ChargeRequest", "LedgerEntry", "LedgerEntryPage"),
    *("Coupon", "CouponPage", "DiscountType", "IssuedCoupon", "IssuedCouponPage", "IssuedCouponStatus"),
    *("BasketRequest", "BasketLineRequest", "Order", "OrderLine", "OrderPage", "OrderQuote", "PlacedOrder"),
    *(
        "BestSeller",
        "BestSellers",
        "Problem",
        "OutOfStockProblem",
        "Shortage",
        "InvalidProblem",
        "InputError",
    ),
    *("OrderConflict", "OrderReferenceNotFound", "IssueConflict", "BadRequest", "Unauthorized"),
    *("ServiceUnavailable", "OrderPaidEvent", "OrderPaid"),
}


def operations() -> Iterator[tuple[str, Any]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def schemas(node: Any = DOCUMENT) -> Iterator[Any]:
    """Every schema of the document, wherever it stands."""
    if isinstance(node, list):
        for each in node:
            yield from schemas(each)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str | list) or {"oneOf", "allOf", "anyOf", "const"} & set(node):
            yield node
        for key, each in node.items():
            if key not in {"example", "examples"}:
                yield from schemas(each)


def test_operations_have_readable_names() -> None:
    assert {operation["operationId"]: place for place, operation in operations()} == OPERATIONS


def test_public_operations_are_marked_as_public() -> None:
    assert {each["operationId"] for _, each in operations() if each["security"] == []} == PUBLIC


def test_schemas_keep_the_names_that_clients_import() -> None:
    assert set(SCHEMAS) >= NAMES


def test_integers_have_a_format_and_large_ones_a_warning() -> None:
    integers = [schema for schema in schemas() if "integer" in schema.get("type", "")]
    assert {schema["format"] for schema in integers} == {"int32", "int64"}
    exact = [
        schema for schema in SCHEMAS["Product"]["properties"].values() if schema.get("format") == "int64"
    ]
    assert len(exact) == 3
    assert all("2^53" in schema["description"] for schema in exact)


def test_schemas_avoid_what_generators_trip_over() -> None:
    for schema in schemas():
        assert not {"allOf", "anyOf", "const", "readOnly"} & set(schema), schema
        pattern = schema.get("pattern", "^$")
        assert (pattern[0], pattern[-1]) == ("^", "$"), schema


def test_choice_of_problems_has_a_name_and_is_told_apart_by_code() -> None:
    unions = {name: schema for name, schema in SCHEMAS.items() if "oneOf" in schema}
    assert len(unions) == sum("oneOf" in schema for schema in schemas())
    for union in unions.values():
        mapping = union["discriminator"]["mapping"]
        assert union["discriminator"]["propertyName"] == "code"
        assert [{"$ref": target} for target in mapping.values()] == union["oneOf"]
        for code, target in mapping.items():
            assert SCHEMAS[target.rpartition("/")[2]]["properties"]["code"]["enum"] == [code]


def test_second_problem_of_any_status_that_a_domain_refuses_with_has_a_name_for_the_choice() -> None:
    own = {kind.status for kind in problem_types().values() if not kind.__module__.startswith("core.http")}
    assert own <= UNIONS.keys() | UNIONS_OF_A_TOPIC.keys()
    assert {409, 422} <= own


@pytest.mark.parametrize("name", ["id", "Idempotency-Key", "X-Request-Id", "Accept-Language"])
def test_parameter_has_an_example(name: str) -> None:
    shared = DOCUMENT["components"]["parameters"].values()
    inline = [parameter for _, each in operations() for parameter in each["parameters"]]
    found = [parameter for parameter in [*shared, *inline] if parameter.get("name") == name]
    assert found
    assert all("example" in parameter or "examples" in parameter for parameter in found)


def test_ids_and_bodies_have_an_example() -> None:
    for name, schema in SCHEMAS.items():
        for member, described in schema.get("properties", {}).items():
            if (member == "id" and described.get("type") != "string") or member.endswith("_id"):
                assert "examples" in described or member == "request_id", (name, member)
    bodies = [each["requestBody"] for _, each in operations() if "requestBody" in each]
    assert len(bodies) == 3
    assert all("examples" in body["content"]["application/json"] for body in bodies)


def test_document_names_its_server_licence_and_tags() -> None:
    assert DOCUMENT["servers"][0]["url"] == "/"
    assert DOCUMENT["info"]["license"]["identifier"] == "MIT"
    used = {tag for _, operation in operations() for tag in operation["tags"]} | {"events"}
    assert {tag["name"] for tag in DOCUMENT["tags"]} == used


def test_webhook_describes_the_event_that_is_sent(http: Client) -> None:
    http.order(buyer(http, points=10**6), {ProductFactory(price=10).pk: 2})
    sent = yaml.safe_load(body(OrderEvent.objects.get()))
    content = DOCUMENT["webhooks"]["order_paid"]["post"]["requestBody"]["content"]
    described = content["application/cloudevents+json"]
    schema = {**described["schema"], "components": DOCUMENT["components"], "unevaluatedProperties": False}
    validator = Draft202012Validator(schema)
    validator.validate(sent)
    validator.validate(described["examples"]["Paid"]["value"])
    assert not validator.is_valid({**sent, "type": "order.refunded"})
