"""The OpenAPI document: valid, checked in, and held against the running shop from outside."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.test import override_settings
from drf_spectacular.validation import validate_schema
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, PhaseFinished, ScenarioFinished

from core.db.pages import Position
from core.http.pagination import encode_cursor
from core.problems import problem_types
from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.contract.refusals import REFUSALS
from tests.kit.client import Client
from tests.kit.invariants import broken_rules
from tests.kit.processes import ROOT, environment
from tests.kit.scenes import buyer

CHECKED_IN = ROOT / "docs" / "openapi.yaml"
REFRESH = "make openapi"
# For each operation, in each phase; `make test-faults` sends more.
EXAMPLES = int(os.environ.get("EXAMPLES", "30"))
KEYED = ("POST /api/v1/points/charges", "POST /api/v1/orders")

pks = st.integers(min_value=1, max_value=2**63 - 1)

moments = st.datetimes(max_value=datetime(4999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as Hypothesis wants it


def keep_stock_back(document: Any) -> None:
    product = document["components"]["schemas"]["Product"]
    product["required"].remove("stock")
    del product["properties"]["stock"]


def misname_stock_s_type(document: Any) -> None:
    document["components"]["schemas"]["Product"]["properties"]["stock"]["type"] = "string"


def keep_404_back(document: Any) -> None:
    del document["paths"]["/api/v1/products/{id}"]["get"]["responses"]["404"]


def allow_a_charge_of_nothing(document: Any) -> None:
    del document["components"]["schemas"]["ChargeRequest"]["properties"]["amount"]["minimum"]


def promise_a_cacheable_answer(document: Any) -> None:
    document["components"]["headers"]["Cache-Control"]["schema"]["enum"] = ["public"]


def call_a_public_list_private(document: Any) -> None:
    document["paths"]["/api/v1/products"]["get"]["security"] = [{"gateway": []}]


LIES = [
    keep_stock_back,
    misname_stock_s_type,
    keep_404_back,
    allow_a_charge_of_nothing,
    promise_a_cacheable_answer,
    call_a_public_list_private,
]


def generated() -> str:
    """The document as the code makes it."""
    output = StringIO()
    call_command("spectacular", fail_on_warn=True, stdout=output)
    return output.getvalue()


def closed(document: Any) -> Any:
    """The document with every object closed: a member that it is silent about is a failure."""
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    # An empty status counts as absent, which no enum of a client's choices should say.
    for parameter in document["paths"]["/api/v1/issued-coupons"]["get"]["parameters"]:
        if parameter.get("name") == "status":
            parameter["schema"]["enum"].append("")
    return document


def settings(user_id: int, *, examples: int, enough: int) -> dict[str, Any]:
    """One configuration of all phases and all checks, the same cases every time; `enough` failures end it."""
    accepted = ["2xx", "401", "404", "409"]
    return {
        "seed": 1,
        "continue-on-failure": True,
        "max-failures": enough,
        "cache": {"enabled": False},
        "auth": {"openapi": {"gateway": {"api_key": str(user_id)}}},
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        "phases": {"examples": {"fill-missing": True}},
        "checks": {"positive_data_acceptance": {"expected-statuses": accepted}},
        # A well-formed key may have come before, with another body.
        "operations": [
            {
                "include-name": name,
                "checks": {"positive_data_acceptance": {"expected-statuses": [*accepted, 422]}},
            }
            for name in KEYED
        ],
    }


def as_the_contract_has_it(_context: Any, case: Any) -> Any:
    """What no schema can say: an integer is not spelt 1.0, and two lines do not name the same product."""
    if case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        case.body = spelt_as_integers(case.body)
        if "items" in case.body:
            case.body["items"] = list({line["product_id"]: line for line in case.body["items"]}.values())
    return case


def spelt_as_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: spelt_as_integers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [spelt_as_integers(member) for member in value]
    return int(value) if isinstance(value, float) else value


def told(event: EngineEvent) -> Iterator[str]:
    """Whatever went wrong in one step of a run."""
    if isinstance(event, ScenarioFinished):
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    info = check.failure_info
                    yield f"{event.label} {check.name}: {info.failure.message}\n{info.code_sample}"
    elif isinstance(event, FatalError):
        yield repr(event.exception)
    elif isinstance(event, NonFatalError):
        yield f"{event.label}: {event.value!r}"


@dataclass(frozen=True)
class Run:
    """What a run over every operation came to."""

    phases: set[str]
    failures: list[str]


def hold_against(http: Client, document: Any, *, examples: int, enough: int) -> Run:
    """Send whatever the document allows, and what it forbids, to the shop and check each answer by it."""
    user = buyer(http, points=10**12)
    ProductFactory.create_batch(3, price=10, stock=10**8)
    CouponFactory.create_batch(3)
    config = schemathesis.Config.from_dict(
        settings(user.pk, examples=examples, enough=enough) | {"base-url": http.url}
    )
    # Cursors are signed, by the shop's key.
    schemathesis.openapi.format(
        "cursor", st.builds(Position, st.booleans(), st.none(), pks).map(encode_cursor)
    )
    schemathesis.openapi.format(
        "cursor-with-timestamp", st.builds(Position, st.booleans(), moments, pks).map(encode_cursor)
    )
    schema = schemathesis.openapi.from_dict(closed(document), config=config)
    schema.hook("map_case")(as_the_contract_has_it)
    with override_settings(SECRET_KEY=environment()["SECRET_KEY"]):
        events = list(from_schema(schema).execute())
    finished = [event for event in events if isinstance(event, PhaseFinished) and event.status == "success"]
    return Run(
        {event.phase.name.value for event in finished}, [line for event in events for line in told(event)]
    )


def test_shop_does_what_the_document_says(http: Client) -> None:
    run = hold_against(http, yaml.safe_load(http.get("/api/schema").body), examples=EXAMPLES, enough=100)
    assert not run.failures, "\n\n".join(run.failures)
    assert run.phases >= {"examples", "coverage", "fuzzing", "stateful"}
    assert broken_rules() == []


@pytest.mark.parametrize("lie", LIES)
def test_document_that_differs_from_the_shop_is_noticed(http: Client, lie: Callable[[Any], None]) -> None:
    """Without this the run above could be one that never fails."""
    document = yaml.safe_load(http.get("/api/schema").body)
    lie(document)
    assert hold_against(http, document, examples=5, enough=1).failures


def test_document_is_valid() -> None:
    document = yaml.safe_load(generated())
    assert document["openapi"].startswith("3.1.")
    validate_schema(document)


def test_summary_names_no_number_that_a_setting_may_change() -> None:
    paths = yaml.safe_load(generated())["paths"].values()
    summaries = [operation["summary"] for path in paths for operation in path.values()]
    assert [each for each in summaries if any(map(str.isdigit, each))] == []


def test_document_in_docs_is_the_one_the_shop_serves(http: Client) -> None:
    assert CHECKED_IN.read_text() == generated(), f"refresh it: {REFRESH}"
    assert yaml.safe_load(http.get("/api/schema").body) == yaml.safe_load(generated())


def test_problems_of_the_catalogue_all_belong_to_an_operation() -> None:
    """But for 405, which is what a method that is no operation answers."""
    schemas = yaml.safe_load(generated())["components"]["schemas"].values()
    codes = [schema.get("properties", {}).get("code", {}).get("enum", []) for schema in schemas]
    problems = {of[0] for of in codes if len(of) == 1}
    assert problems == problem_types().keys() - {"method_not_allowed"}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusal_is_as_its_operation_documents_it(http: Client, code: str) -> None:
    """The ones that random requests hardly meet."""
    document = yaml.safe_load(CHECKED_IN.read_text())
    route, answer = REFUSALS[code](http)
    assert answer.code == code
    response = document["paths"][route]["post"]["responses"][str(answer.status)]["$ref"].rpartition("/")[2]
    schema = document["components"]["responses"][response]["content"]["application/problem+json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json)
