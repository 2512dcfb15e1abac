"""Problems as exceptions, apart from any request."""

import pickle

import pytest

from core.problems import InputError, Invalid, Problem, Unavailable
from orders.services import REFUSALS


def copy(problem: Problem) -> Problem:
    """What another process gets of it."""
    return pickle.loads(pickle.dumps(problem))  # noqa: S301 - just pickled


def test_problem_survives_pickling_between_processes():
    wanted = Invalid(errors=[InputError("pointer", "/amount", "min_value", "1")])
    assert copy(wanted).errors == wanted.errors
    assert copy(Unavailable()).headers == {"Retry-After": "2"}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal_keeps_its_code_and_what_it_carries(refusal):
    sent = refusal.__new__(refusal)
    Problem.__init__(sent, headers={"Retry-After": "1"}, required=7)
    received = copy(sent)
    assert type(received) is refusal
    assert (str(received), received.headers, received.extension_members) == (
        refusal.code,
        sent.headers,
        {"required": 7},
    )
