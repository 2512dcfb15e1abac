"""What `check --deploy` and the audit say of a single server: nothing that nags."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DEFAULT_DB_ALIAS, connection, connections

from core.db import topology
from tests.kit.client import Client
from tests.kit.database import execute


@pytest.fixture
def transactional(transactional_db):
    yield
    execute("RESET synchronous_commit")


def test_single_server_is_told_of_and_not_warned_of(transactional):
    assert [each.id for each in topology.warnings(topology.read())] == ["core.I002"]


def test_commit_before_the_disk_has_it_is_an_error_on_one_server_too(transactional):
    execute("SET synchronous_commit = off")
    with pytest.raises(SystemCheckError, match="synchronous_commit is off"):
        call_command("check", deploy=True, databases=["default"])


def test_commit_that_waits_for_nothing_does_not_wait_for_a_standby_that_is_asked_for(transactional):
    found = topology.read()._replace(asks_for_standby=True, sees_all=True, synchronous_commit="off")
    assert [each.id for each in topology.warnings(found)] == ["core.E002", "core.W001"]
    assert topology.warnings(found._replace(synchronous_commit="on"))[0].id == "core.E003"


def test_audit_warns_of_replication_before_its_report_and_on_stderr_with_json(transactional):
    out = StringIO()
    call_command("audit", stdout=out)
    assert out.getvalue().startswith("INFO: No standby")
    out, err = StringIO(), StringIO()
    call_command("audit", json=True, stdout=out, stderr=err)
    assert out.getvalue().startswith("[")
    assert "No standby" in err.getvalue()


def test_check_without_a_database_fails_with_one_line(transactional, monkeypatch):
    connection.close()
    with monkeypatch.context() as patch:
        patch.setattr(connections[DEFAULT_DB_ALIAS], "get_connection_params", lambda: {"host": "/nowhere"})
        with pytest.raises(SystemCheckError, match=r"core\.E004"):
            call_command("check", deploy=True, databases=["default"])


def test_servers_are_shown_to_prometheus(http: Client):
    text = http.get("/metrics").body.decode()
    assert "\nshop_database_standbys 0.0" in text
    assert "\nshop_database_timeline 1.0" in text
    assert "\nshop_database_sync_waits 0.0" in text
    assert "shop_database_sync_standbys" not in text
    assert "shop_database_archiving_fails" not in text
