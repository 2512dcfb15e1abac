"""The webhook in the OpenAPI document: the event of a paid order."""

from typing import Any

from core.http.schema_components import simplified
from core.json_schemas import COUNT, ID, TIMESTAMP, Json, json_object, ref
from core.problems import CONTENT_TYPE as PROBLEM_CONTENT_TYPE
from core.traces import LONGEST_TRACEPARENT
from orders.outbox.events import ORDER_PAID
from orders.outbox.platform import CONTENT_TYPE

NULLABLE_ID: Json = {"type": ["integer", "null"], "minimum": 1}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EXAMPLE: Json = {
    "specversion": "1.0",
    "id": "0193b1c2-7f60-7c54-9d4b-6f0a2f1c9e11",
    "source": "/orders",
    "type": ORDER_PAID,
    "subject": "1",
    "time": "2026-11-22T09:00:00.000000+09:00",
    "datacontenttype": "application/json",
    "traceparent": TRACEPARENT,
    "data": {
        "order_id": 1,
        "user_id": 1,
        "items": [
            {"product_id": 1, "product_name": "아메리카노", "unit_price": 4500, "quantity": 2, "amount": 9000}
        ],
        "subtotal": 9000,
        "discount": 900,
        "total": 8100,
        "currency": "KRW",
        "coupon_id": 1,
        "issued_coupon_id": 1,
        "ordered_at": "2026-11-22T09:00:00.000000+09:00",
    },
}
SCHEMAS: dict[str, Json] = {
    "OrderPaidEvent": json_object(
        "A paid order, as a CloudEvent 1.0 in structured mode. Every attempt carries the same id and bytes.",
        {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": {"type": "string", "format": "uuid", "description": "Tells repeats apart."},
            "source": {"type": "string", "format": "uri-reference"},
            "type": {"type": "string", "enum": [ORDER_PAID]},
            "subject": {"type": "string", "description": "The order's id."},
            "time": TIMESTAMP,
            "datacontenttype": {"type": "string", "enum": ["application/json"]},
            "traceparent": {
                "type": "string",
                "maxLength": LONGEST_TRACEPARENT,
                "description": "Where the shop is traced: the request that placed the order"
                " (CloudEvents' distributed tracing extension).",
            },
            "data": ref("OrderPaid"),
        },
        required=[name for name in EXAMPLE if name != "traceparent"],
    ),
    "OrderPaid": json_object(
        "The order that was paid, in won.",
        {
            "order_id": ID,
            "user_id": ID,
            "items": {"type": "array", "minItems": 1, "items": ref("OrderLine")},
            "subtotal": COUNT,
            "discount": COUNT,
            "total": COUNT,
            "currency": {"type": "string", "enum": ["KRW"]},
            "coupon_id": NULLABLE_ID,
            "issued_coupon_id": NULLABLE_ID,
            "ordered_at": TIMESTAMP,
        },
    ),
}


def _header(name: str, description: str, example: str, *, required: bool = False) -> Json:
    schema: Json = {"type": "string"}
    parameter = {"name": name, "in": "header", "required": required, "description": description}
    return {**parameter, "schema": schema, "example": example}


ORDER_PAID_WEBHOOK: Json = {
    "post": {
        "operationId": "receive_order_paid",
        "summary": "Receive a paid order",
        "description": "The shop posts this to DATA_PLATFORM_URL once an order is paid: at least once, in no"
        " certain order. Signed as of Standard Webhooks 1.0 where DATA_PLATFORM_SECRET is set.",
        "tags": ["events"],
        "security": [],
        "parameters": [
            _header("webhook-id", "The event's id, where events are signed.", str(EXAMPLE["id"])),
            _header("webhook-timestamp", "Seconds since 1970 of this attempt.", "1795305600"),
            _header(
                "webhook-signature",
                "`v1,` and the HMAC-SHA256 in base64.",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            _header("X-Request-Id", "The request that placed the order.", "checkout-2f61"),
            _header(
                "traceparent", "This attempt, of W3C Trace Context, where the shop is traced.", TRACEPARENT
            ),
            _header("User-Agent", "The shop and its version.", "pointshop/1.0.0", required=True),
        ],
        "requestBody": {
            "required": True,
            "content": {
                CONTENT_TYPE: {"schema": ref("OrderPaidEvent"), "examples": {"Paid": {"value": EXAMPLE}}}
            },
        },
        "responses": {
            "204": {"description": "Taken; any 2xx says so."},
            "default": {
                "description": "Not taken: sent again later, no sooner than Retry-After says. A problem may"
                " tell people why; the shop reads the status alone.",
                "content": {PROBLEM_CONTENT_TYPE: {"schema": ref("Problem")}},
            },
        },
    }
}


def document_webhook(result: Json, **_: Any) -> Json:
    result["webhooks"] = {"order_paid": simplified(ORDER_PAID_WEBHOOK)}
    components = result["components"]
    components["schemas"] = dict(sorted({**components["schemas"], **simplified(SCHEMAS)}.items()))
    return result
