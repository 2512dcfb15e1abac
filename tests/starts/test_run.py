"""`make run` for real: a copy of the checkout, its own services, its own ports."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest
import urllib3
from django.conf import settings

from core.embedded.processes import command_lines
from core.embedded.servers import EmbeddedServices
from local import instances
from local.supervision import INFORMATION, STOP_SECONDS
from tests.kit.processes import free_port, until
from tests.kit.variables import EVERY_NAME
from tests.starts.launched import PROGRAMS, Run, running


@pytest.fixture(scope="module")
def shop(checkout: Path) -> Iterator[Run]:
    leave_open(checkout / ".local")
    with running(checkout) as run:
        yield run


def leave_open(local: Path) -> None:
    """What an older run left open to other accounts."""
    local.mkdir()
    for name in ("events.jsonl", "data_platform_secret"):
        (local / name).write_text("" if name == "events.jsonl" else f"whsec_{'b' * 32}")
        (local / name).chmod(0o644)
    local.chmod(0o755)


def test_files_that_the_shop_writes_are_closed_to_other_accounts(shop: Run) -> None:
    local = shop.checkout / ".local"
    until(lambda: all_programs(shop) and [*local.glob("run-*/metrics/*.db")])
    group = 0o710 if os.geteuid() == 0 else 0o700  # the servers', which no other account is in
    assert local.stat().st_mode & 0o777 & ~group == 0
    written = [path for path in local.rglob("*") if "postgres" not in path.parts]
    assert {"events.jsonl", "secret_key", "data_platform_secret", "shop.log"} <= {
        path.name for path in written
    }
    assert [path for path in written if path.lstat().st_mode & 0o077] == []


def test_crash_leaves_no_memory_behind(shop: Run) -> None:
    for pid in until(lambda: all_programs(shop)).values():  # type: ignore[attr-defined]
        assert re.search(r"Max core file size +0 ", Path(f"/proc/{pid}/limits").read_text())


def test_process_manager_cannot_be_spoken_to(shop: Run) -> None:
    configuration = (shop.checkout / "local" / "supervisord.conf").read_text()
    assert not re.search(r"http_server|rpcinterface", configuration)
    assert f"{shop.checkout}/local/supervisord.conf" in command_lines()[shop.manager()]


def test_order_made_as_printed_reaches_the_data_platform(shop: Run) -> None:
    order = shop.try_example()
    until(lambda: f'"order_id":{order},' in shop.events())


def test_first_start_prints_the_administrators_password(shop: Run) -> None:
    assert re.search(r"sign in as admin with the password \S{16} \(shown only now", shop.said)


def test_requests_and_events_are_in_the_log_and_not_on_the_terminal(shop: Run) -> None:
    order = shop.try_example()
    until(lambda: f" subject='{order}'" in shop.log() and "path='/api/v1/orders'" in shop.log())
    assert shop.said.rstrip().endswith("─" * 80)


def test_welcome_has_a_command_for_the_last_event(shop: Run) -> None:
    [command] = re.findall(r"^ +(tail -n 1 \S+)$", shop.said, re.MULTILINE)
    shop.try_example()
    shown = subprocess.check_output(command.split(), cwd=shop.checkout, text=True)
    assert '"order_id":' in shown


def test_make_password_gives_a_password_that_opens_the_admin(shop: Run) -> None:
    env = {name: value for name, value in os.environ.items() if name not in EVERY_NAME}
    command = [sys.executable, "-m", "local", "password"]
    said = subprocess.check_output(command, cwd=shop.checkout, env={**env, "LC_ALL": "C"}, text=True)
    found = re.fullmatch(r"The new password of admin: (\S{16})\n", said)
    assert found
    assert sign_in(shop.port, "wrong") == 200
    assert sign_in(shop.port, found[1]) == 302


def sign_in(port: int, password: str) -> int:
    """The status of an attempt as admin: 302 takes whoever signed in further."""
    page = f"http://127.0.0.1:{port}/admin/login/"
    cookie = urllib3.request("GET", page).headers["Set-Cookie"].partition(";")[0]
    fields = {"username": "admin", "password": password, "csrfmiddlewaretoken": cookie.partition("=")[2]}
    answer = urllib3.request(
        "POST", page, fields=fields, headers={"Cookie": cookie, "Referer": page}, redirect=False
    )
    return answer.status


def test_worker_is_given_the_time_of_its_soft_shutdown(shop: Run) -> None:
    parser = RawConfigParser({"stopwaitsecs": "10"})
    parser.read(shop.checkout / "local" / "supervisord.conf")
    assert parser["program:worker"]["stopsignal"] == "QUIT"
    given = {name: int(parser[f"program:{name}"]["stopwaitsecs"]) for name in PROGRAMS}
    assert given["worker"] > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT + 15
    assert max(given.values()) < STOP_SECONDS - 5 < STOP_SECONDS < instances.STOP_SECONDS


def test_metrics_are_added_up_over_the_processes(shop: Run) -> None:
    urllib3.request("GET", f"http://127.0.0.1:{shop.port}/readyz")
    assert [*(shop.checkout / ".local" / f"run-{shop.port}" / "metrics").glob("*.db")]


def test_killed_process_is_started_again_and_orders_still_arrive(shop: Run) -> None:
    until(lambda: all_programs(shop))
    before = shop.session()
    for pid in shop.programs().values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: living(before) == {shop.manager()})
    until(lambda: all(f"exited: {name} (terminated by SIGKILL" in shop.said for name in PROGRAMS))
    assert_it_works(shop)


def test_killed_process_manager_is_started_again_with_all_it_managed(shop: Run) -> None:
    before = shop.session()
    os.kill(shop.manager(), signal.SIGKILL)
    until(lambda: not living(before))
    assert_it_works(shop)


def living(pids: list[int]) -> set[int]:
    """Those that live; a zombie has no command line."""
    return {pid for pid, line in command_lines().items() if line} & {*pids}


def all_programs(shop: Run) -> dict[str, int]:
    found = shop.programs()
    return found if found.keys() == PROGRAMS.keys() else {}


def assert_it_works(shop: Run) -> None:
    until(lambda: all_programs(shop) and answers(shop.port))
    order = shop.try_example()
    until(lambda: f'"order_id":{order},' in shop.events())


def answers(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/readyz", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_taken_port_is_named_with_what_to_do(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = Run(checkout, port=port)
        assert run.ended() == 1
        assert run.said == f"Port {port} is taken. Choose another: make run PORT={port + 1}\n"


def test_korean_terminal_gets_korean(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = Run(checkout, port=port, LC_ALL="", LC_MESSAGES="", LANG="ko_KR.UTF-8")
        assert run.ended() == 1
        assert run.said == f"{port}번 포트는 사용 중이에요. 다른 포트를 써 주세요: make run PORT={port + 1}\n"


def test_ctrl_c_ends_every_process_and_the_next_start_has_the_same_shop(checkout: Path, shop: Run) -> None:
    order = shop.try_example()
    session = shop.session()
    assert shop.end(signal.SIGINT) == 0
    assert not living(session)
    assert shop.processes() == []
    with running(checkout) as again:
        assert "with the password" not in again.said
        assert again.try_example() == order + 1


def test_configured_services_are_used_and_none_is_started(checkout: Path, tmp_path: Path) -> None:
    services = EmbeddedServices(checkout / "elsewhere" / ".local")
    services.start()
    try:
        configured = {"DATABASE_URL": services.database_url(), "REDIS_URL": services.redis_url()}
        platform = f"http://127.0.0.1:{free_port()}/"
        with running(checkout, SEED_DEMO="0", DATA_PLATFORM_URL=platform, HOST="::1", **configured) as run:
            assert not EmbeddedServices(checkout / ".local").is_running()
            assert until(lambda: run.programs().keys() == PROGRAMS.keys() - {"receiver"})
            assert "No members or products yet" in run.said
            assert f"http://[::1]:{run.port}/api/docs" in run.said
            assert urllib3.request("GET", f"http://[::1]:{run.port}/admin/login/").status == 200
    finally:
        services.stop()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2026-11-28T02:13:57.059976Z [info     ] request    [api.access] method='GET'", True),
        (b'{"event": "request", "level": "info"}', True),
        (b"2026-11-28T02:13:57.059976Z [warning  ] [info     ] [x]", False),
        (b'{"event": "request", "level": "warning"}', False),
        (b"worker: Warm shutdown (MainProcess)", True),
        (b"", True),
        (b"{broken", False),
        (b'{"a":' * 100_000, False),
        (b"[1]", False),
        (b"Traceback (most recent call last):", False),
        (b"2026-11-28 11:13:58,673 WARN exited: web (terminated by SIGKILL; not expected)", False),
    ],
)
def test_level_of_a_line_says_whether_it_is_more_than_information(line: bytes, *, expected: bool) -> None:
    assert bool(INFORMATION.match(line)) is expected
