"""The OpenAPI document: what every operation has in common, said once for all of them."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeVar

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ListSerializer

from api.catalogue import FIELD_ERRORS, PROBLEMS
from api.problems import CONTENT_TYPE, Problem
from api.serializers import MOMENT

Json = dict[str, Any]
Action = TypeVar("Action", bound=Callable[..., Any])

MIN_BIGINT = -(2**63)
COUNT: Json = {"type": "integer", "minimum": 0}
ID: Json = {"type": "integer", "minimum": 1}
NULLABLE_MOMENT: Json = {**MOMENT, "type": ["string", "null"]}

# The members a problem adds to those that all of them have (api/problems.py).
MEMBERS: dict[str, Json] = {
    "invalid": {
        "errors": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/InputError"}}
    },
    "product_not_found": {"product_ids": {"type": "array", "minItems": 1, "items": {"type": "integer"}}},
    "out_of_stock": {
        "shortages": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Shortage"}}
    },
    "insufficient_points": {"required": COUNT, "balance": COUNT},
    "price_changed": {"expected_total": {"type": "integer"}, "total": COUNT},
    "coupon_already_issued": {"issued_coupon_id": ID},
    "coupon_not_open": {"opens_at": NULLABLE_MOMENT, "closes_at": NULLABLE_MOMENT},
}

LOCATION = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri-reference"},
    OpenApiParameter.HEADER,
    required=True,
    response=[201],
    description="The URL of the new object.",
)


def header(description: str, *, required: bool = True, **schema: Any) -> Json:
    """A response header."""
    return {"description": description, "required": required, "schema": {"type": "string", **schema}}


HEADERS: dict[str, Json] = {
    "X-Request-Id": header("Echoed or made; in every log line.", pattern="^[A-Za-z0-9_-]{1,64}$"),
    "Cache-Control": header("Nothing of the API is to be stored.", enum=["no-store"]),
    "Content-Language": header("The language of the texts for people.", enum=["ko", "en"]),
    "WWW-Authenticate": header("How to say who is calling."),
    "Accept-Encoding": header(
        "Where a Content-Encoding was refused: none is read.", required=False, enum=["identity"]
    ),
    "Retry-After": header("Seconds to wait before the next try.", type="integer", minimum=1),
}
ALWAYS = ("X-Request-Id", "Cache-Control")
BY_STATUS = {
    401: ("WWW-Authenticate",),
    415: ("Accept-Encoding",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def refuses(*problems: type[Problem]) -> Callable[[Action], Action]:
    """Name the problems of an action's own; those of its kind of request are found without being named."""

    def declare(action: Action) -> Action:
        action.refusals = [problem.code for problem in problems]  # type: ignore[attr-defined]
        return action

    return declare


class EnglishGenerator(SchemaGenerator):
    """Writes the document in English, whoever asks for it."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        """The whole document."""
        with translation.override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


class ShopSchema(AutoSchema):
    """Adds to each operation the problems it can answer and the headers of its answers."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Json | None:
        """The operation as the document shows it."""
        operation: Json | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                parameter["schema"] = ID
        for status, response in operation["responses"].items():
            response["description"] = response["description"] or HTTPStatus(int(status)).phrase
            response["headers"] = _headers(ALWAYS) | response.get("headers", {})
        for status, codes in _by_status(self._codes(operation)).items():
            operation["responses"][str(status)] = self._response(status, codes)
        return operation

    def _codes(self, operation: Json) -> list[str]:
        """What can be refused, by the shape of the request and by what the action says of itself."""
        codes = ["not_acceptable", "too_large", "unsupported_media_type", "throttled", "internal", "busy"]
        codes += ["unavailable"]
        places = {parameter["in"] for parameter in operation.get("parameters", [])}
        if operation.get("security"):
            codes += ["not_registered", "untrusted_gateway"]
        if "path" in places:
            codes += ["not_found"]
        if self.method == "POST":
            codes += ["invalid", "malformed"]
        elif "query" in places:
            codes += ["invalid"]
        view: Any = self.view
        return codes + getattr(getattr(view, view.action), "refusals", [])

    def _response(self, status: int, codes: list[str]) -> Json:
        """A reference to the response that answers one of these codes."""
        response = ResolvedComponent("_or_".join(codes), "responses", _problem_response(status, codes), codes)
        self.registry.register_on_missing(response)
        reference: Json = response.ref
        return reference

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:  # noqa: FBT001, FBT002 - drf-spectacular's signature
        """A field, with the bounds of a list that is sent to us."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(field, ListSerializer):
            bounds: Any = field
            schema |= {"minItems": int(not bounds.allow_empty), "maxItems": bounds.max_length}
            schema["uniqueItems"] = True
        return schema


def complete(result: Json, **_: Any) -> Json:
    """A postprocessing hook: the components that no serializer describes, and stricter ones that some do."""
    components = result["components"]
    for name, schema in components["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
        elif "properties" in schema:
            _tighten(schema)
    used = {code for response in components["responses"].values() for code in response["x-codes"]}
    components["schemas"] |= {"Problem": PROBLEM, "InputError": INPUT_ERROR, "Shortage": SHORTAGE}
    components["schemas"] |= {_name(code): _problem(code) for code in PROBLEMS if code in used}
    components["headers"] = HEADERS
    for response in components["responses"].values():
        del response["x-codes"]
    return result


def _tighten(answer: Json) -> None:
    """An answer has all its members; a number without a bound of its own is an id, a count or won."""
    answer["required"] = list(answer["properties"])
    for schema in answer["properties"].values():
        if "integer" in schema.get("type", "") and schema.get("minimum", MIN_BIGINT) == MIN_BIGINT:
            schema["minimum"] = 0


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes by the status that they are answered with, both ascending; each once."""
    statuses: dict[int, list[str]] = {}
    for code in sorted(set(codes), key=lambda code: (PROBLEMS[code].status, code)):
        statuses.setdefault(PROBLEMS[code].status, []).append(code)
    return statuses


def _problem_response(status: int, codes: list[str]) -> Json:
    references = [{"$ref": f"#/components/schemas/{_name(code)}"} for code in codes]
    schema = references[0] if len(references) == 1 else {"oneOf": references}
    return {
        "description": " / ".join(PROBLEMS[code].title.en for code in codes),
        "headers": _headers([*ALWAYS, "Content-Language", *BY_STATUS.get(status, ())]),
        "content": {CONTENT_TYPE: {"schema": schema}},
        "x-codes": codes,
    }


def _name(code: str) -> str:
    """A problem's component."""
    return "".join(word.capitalize() for word in code.split("_")) + "Problem"


def _problem(code: str) -> Json:
    """One kind of problem: exactly the common members and its own."""
    entry, members = PROBLEMS[code], MEMBERS.get(code, {})
    own = {"status": {"const": entry.status}, "code": {"const": code}, "type": {"const": f"/problems/{code}"}}
    return {
        "type": "object",
        "description": entry.detail.en,
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": own | members,
        "required": [*own, *members],
        "unevaluatedProperties": False,
    }


def _object(description: str, properties: Json) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


PROBLEM = _object(
    "Problem details as of RFC 9457. `title` and `detail` are for people; `code` is for programs.",
    {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "minLength": 1},
        "code": {"type": "string"},
        "request_id": {"type": "string", "description": "The X-Request-Id of this answer."},
    },
)
SHORTAGE = _object(
    "A product that has less than was asked for.",
    {"product_id": ID, "requested": ID, "available": COUNT},
) | {"additionalProperties": False}
INPUT_ERROR: Json = {
    "type": "object",
    "description": "What is wrong with one place of the input.",
    "properties": {
        "pointer": {"type": "string", "format": "json-pointer", "description": "A place in the body."},
        "parameter": {"type": "string", "description": "A query parameter."},
        "header": {"type": "string", "description": "A header."},
        "code": {"type": "string", "enum": list(FIELD_ERRORS)},
        "detail": {"type": "string"},
    },
    "required": ["code", "detail"],
    "oneOf": [{"required": ["pointer"]}, {"required": ["parameter"]}, {"required": ["header"]}],
    "additionalProperties": False,
}
