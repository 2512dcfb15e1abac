"""Pieces of JSON Schema that several descriptions share."""

from typing import Any

Json = dict[str, Any]

INTEGER: Json = {"type": "integer"}
COUNT: Json = {"type": "integer", "minimum": 0}
ID: Json = {"type": "integer", "minimum": 1}
TIMESTAMP: Json = {
    "type": "string",
    "format": "date-time",
    "description": "RFC 3339, always at +09:00 and with six fractional digits.",
}
NULLABLE_TIMESTAMP: Json = {**TIMESTAMP, "type": ["string", "null"]}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(items: Json) -> Json:
    return {"type": "array", "minItems": 1, "items": items}


def json_object(description: str, properties: Json, *, required: list[str] | None = None) -> Json:
    """All its members are always there unless `required` lists fewer."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties) if required is None else required,
    }
