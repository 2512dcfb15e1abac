"""The OpenAPI document's operations: possible problems and headers of each."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ListSerializer

from core.json_schemas import ID, Json, ref
from core.problems import CONTENT_TYPE, Problem, problem_types

Action = TypeVar("Action", bound=Callable[..., Any])

LOCATION = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri-reference"},
    OpenApiParameter.HEADER,
    required=True,
    response=[201],
    description="The URL of the new object.",
)
ALWAYS = ("X-Request-Id", "Cache-Control")
BY_STATUS = {
    401: ("WWW-Authenticate",),
    415: ("Accept-Encoding",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# What an answer that is one of several problems is called; those of an action's own come after its topic.
UNIONS = {400: "BadRequest", 401: "Unauthorized", 503: "ServiceUnavailable"}
UNIONS_OF_A_TOPIC = {404: "ReferenceNotFound", 409: "Conflict", 422: "Unprocessable"}


def refuses(*problems: type[Problem], topic: str = "") -> Callable[[Action], Action]:
    """Name the problems of an action's own; those of its kind of request are found without being named.

    `topic` begins the name of the schema of several problems with one status, as in OrderConflict.
    """

    def declare(action: Action) -> Action:
        action.refusals = [problem.code for problem in problems]  # type: ignore[attr-defined]
        action.refusal_topic = topic  # type: ignore[attr-defined]
        return action

    return declare


class EnglishGenerator(SchemaGenerator):
    """Writes the document in English, for every reader."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


class ShopSchema(AutoSchema):
    """Adds to each operation the problems it can answer and the headers of its answers."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Json | None:
        operation: Json | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        codes = self._codes(operation)
        operation.setdefault("security", [])  # public: said, so that no default of a reader's applies
        parameters = operation.setdefault("parameters", [])
        for parameter in parameters:
            if parameter["in"] == "path":
                parameter |= {"schema": {**ID, "format": "int64"}, "example": 1}
        parameters += [
            {"$ref": f"#/components/parameters/{name}"} for name in ("X-Request-Id", "Accept-Language")
        ]
        for status, response in operation["responses"].items():
            response["description"] = response["description"] or HTTPStatus(int(status)).phrase
            response["headers"] = _headers(ALWAYS) | response.get("headers", {})
        kinds = (kind for code, kind in problem_types().items() if code in codes)  # in the order of statuses
        for status, of_status in groupby(kinds, key=attrgetter("status")):
            operation["responses"][str(status)] = self._response(status, [*of_status])
        return operation

    def get_paginated_name(self, serialized_name: str) -> str:
        return f"{serialized_name}Page"

    def _codes(self, operation: Json) -> list[str]:
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
        return codes + getattr(self._action, "refusals", [])

    @property
    def _action(self) -> Any:
        view: Any = self.view
        return getattr(view, view.action)

    def _response(self, status: int, kinds: list[type[Problem]]) -> Json:
        if len(kinds) == 1:
            name, schema = kinds[0].__name__, ref(schema_name(kinds[0]))
        else:
            name = UNIONS.get(status) or self._action.refusal_topic + UNIONS_OF_A_TOPIC[status]
            references = {kind.code: ref(schema_name(kind)) for kind in kinds}
            mapping = {code: reference["$ref"] for code, reference in references.items()}
            discriminator = {"propertyName": "code", "mapping": mapping}
            self._register(name, "schemas", {"oneOf": [*references.values()], "discriminator": discriminator})
            schema = ref(name)
        response = {
            "description": " / ".join(kind.title.en for kind in kinds),
            "headers": _headers([*ALWAYS, "Content-Language", *BY_STATUS.get(status, ())]),
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        return self._register(name, "responses", response)

    def _register(self, name: str, section: str, content: Json) -> Json:
        component = ResolvedComponent(name, section, content, content)
        self.registry.register_on_missing(component)
        reference: Json = component.ref
        return reference

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:  # noqa: FBT001, FBT002 - drf-spectacular's signature
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        # drf-spectacular leaves out the bounds of a list of objects.
        if direction == "request" and isinstance(field, ListSerializer):
            bounds: Any = field
            schema |= {"minItems": int(not bounds.allow_empty), "maxItems": bounds.max_length}
        return schema


def schema_name(kind: type[Problem]) -> str:
    return f"{kind.__name__}Problem"


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
