"""The OpenAPI document's components: problems, headers, and schemas that generated clients can read."""

from typing import Any

from core.http.schema import schema_name
from core.json_schemas import Json, json_object
from core.problems import Problem, problem_types

INT32 = range(-(2**31), 2**31)
BIGINT_BOUNDS = (-(2**63), 2**63 - 1)
PRECISION = "Exact up to 2^53 - 1 where numbers are doubles, as in JavaScript."


def header(description: str, *, required: bool = True, **schema: Any) -> Json:
    return {"description": description, "required": required, "schema": {"type": "string", **schema}}


HEADERS: dict[str, Json] = {
    "X-Request-Id": header("Echoed or made; in every log line.", pattern="^[A-Za-z0-9_-]{1,64}$"),
    "Cache-Control": header("Nothing of the API is to be stored.", enum=["no-store"]),
    "Content-Language": header("The language of the texts for people.", enum=["ko", "en"]),
    "WWW-Authenticate": header("How to name the caller."),
    "Accept-Encoding": header(
        "Where a Content-Encoding was refused: none is read.", required=False, enum=["identity"]
    ),
    "Retry-After": header("Seconds to wait before the next try.", type="integer", format="int32", minimum=1),
}
PARAMETERS: dict[str, Json] = {
    "X-Request-Id": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Names the request in the answer, the log and the event. One is made where this is"
        " absent or not 1 to 64 letters, digits, hyphens and underscores.",
        "schema": {"type": "string"},
        "example": "checkout-2f61",
    },
    "Accept-Language": {
        "name": "Accept-Language",
        "in": "header",
        "description": "The language of the texts for people: Korean unless this prefers English.",
        "schema": {"type": "string"},
        "example": "en",
    },
}
PROBLEM = json_object(
    "Problem details as of RFC 9457. `title` and `detail` are for people; `code` is for programs.",
    {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string", "description": "The X-Request-Id of this answer."},
    },
)


def complete(result: Json, **_: Any) -> Json:
    """A postprocessing hook: the components that no serializer describes, and stricter ones that some do."""
    components = result["components"]
    schemas = components["schemas"]
    for name, schema in schemas.items():
        if "properties" in schema and name.endswith("Request"):
            schema["additionalProperties"] = False
        elif "properties" in schema:
            _require_all(schema)
    schemas["Problem"] = PROBLEM
    for kind in _answered(components):
        schemas[schema_name(kind)] = _problem(kind)
        schemas |= kind.schemas
    components["headers"], components["parameters"] = HEADERS, PARAMETERS
    # The paths stand in the order of a purchase; a path's methods come out of a set.
    result["paths"] = {path: dict(sorted(methods.items())) for path, methods in result["paths"].items()}
    result["components"] = {section: dict(sorted(named.items())) for section, named in components.items()}
    completed: Json = simplified(result)
    return completed


def _require_all(answer: Json) -> None:
    answer["required"] = list(answer["properties"])
    # A number without a bound of its own is an id, a count or won.
    for schema in answer["properties"].values():
        if "integer" in schema.get("type", "") and schema.get("minimum", BIGINT_BOUNDS[0]) in BIGINT_BOUNDS:
            schema["minimum"] = 0


def _answered(components: Json) -> list[type[Problem]]:
    # An operation refers to the problems that it answers.
    documented = str(components)
    return [kind for kind in problem_types().values() if f"/{schema_name(kind)}'" in documented]


def _problem(kind: type[Problem]) -> Json:
    own = {
        "type": {"type": "string", "enum": [f"/problems/{kind.code}"]},
        "status": {"type": "integer", "enum": [kind.status]},
        "code": {"type": "string", "enum": [kind.code]},
    }
    return json_object(kind.detail.en, {**PROBLEM["properties"], **own, **kind.extensions})


def simplified(node: Any, name: str = "") -> Any:
    """The same said the one way that every generator understands; a new value, for parts are shared."""
    if isinstance(node, list):
        return [simplified(each, name) for each in node]
    if not isinstance(node, dict):
        return node
    # Under `properties` a key is a member's name, and examples are no schemas.
    copy = {
        key: each if key in {"example", "examples"} else simplified(each, key) for key, each in node.items()
    }
    inherited = copy.get("allOf", [])
    if len(inherited) == 1:
        return inherited[0]
    if isinstance(copy.get("title"), str) and "version" not in copy:
        del copy["title"]
    copy.pop("readOnly", None)
    if "integer" in copy.get("type", ""):
        _simplify_integer(copy)
        if name == "id" or name.endswith("_id"):
            copy.setdefault("examples", [1])
    return copy


def _simplify_integer(schema: Json) -> None:
    for bound in ("minimum", "maximum"):
        if abs(schema.get(bound, 0)) >= BIGINT_BOUNDS[1]:  # int64 says as much, exactly in every language
            del schema[bound]
    largest = max(schema.get("enum", [schema.get("maximum", BIGINT_BOUNDS[1])]))
    schema["format"] = "int32" if largest in INT32 else "int64"
    if schema["format"] == "int64":
        said = schema.get("description", "")
        schema["description"] = f"{said.rstrip('.')}. {PRECISION}" if said else PRECISION
