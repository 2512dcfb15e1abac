"""A request is done once for its key."""

import pytest
from django.db import IntegrityError

from core.idempotency import IdempotencyKey, Idempotent, once
from core.problems import Busy, IdempotencyKeyReused, Problem, Unavailable

KEY = IdempotencyKey("k", "hash")


def failing(error: Exception):
    def make() -> str:
        raise error

    return make


@pytest.mark.parametrize("refusal", [Busy(), IntegrityError("order_one_a_key")])
def test_repeat_finds_what_its_key_made(refusal: Exception):
    found = once(failing(refusal), key=KEY, made_with=lambda _key: "first")

    assert found == Idempotent("first", replayed=True)


@pytest.mark.parametrize("refusal", [Busy(), IntegrityError("order_one_a_key")])
@pytest.mark.parametrize("key", [KEY, None])
def test_refusal_stands_where_no_key_made_anything(refusal: Exception, key: IdempotencyKey | None):
    with pytest.raises(type(refusal)):
        once(failing(refusal), key=key, made_with=lambda _key: None)


def test_key_is_not_looked_up_in_a_database_that_is_away():
    """It would be waited for twice, and a server that lost its standbys may show what will be lost."""
    asked: list[IdempotencyKey] = []

    with pytest.raises(Unavailable):
        once(failing(Unavailable()), key=KEY, made_with=asked.append)
    assert asked == []


def test_key_with_another_body_is_refused():
    def reused(_key: IdempotencyKey) -> str:
        raise IdempotencyKeyReused

    with pytest.raises(Problem) as refused:
        once(failing(Busy()), key=KEY, made_with=reused)
    assert refused.value.code == "idempotency_key_reused"
