"""Defaults that an operator may have given the database for others: the shop's sessions have their own."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import connection

from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.scenes import at_once, buyer


@pytest.fixture(params=["default_transaction_isolation = 'serializable'", "datestyle = 'German, DMY'"])
def another_default(request: pytest.FixtureRequest, http: Client) -> Iterator[Client]:
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    execute(f"ALTER DATABASE {name} SET {request.param}")
    try:
        execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.close()
        yield http
    finally:
        execute(f"ALTER DATABASE {name} RESET {request.param.partition(' ')[0]}")
        connection.close()


def test_charges_at_once_succeed_and_timestamps_are_read_under_any_session_default(
    another_default: Client,
):
    user = buyer(another_default, points=1)
    answers = at_once([partial(another_default.charge, user, 10)] * 24)
    assert {each.status for each in answers} == {201}
    assert another_default.get("points/transactions", user=user).status == 200
    assert another_default.get("rankings/products").status == 200
