"""What other accounts of the machine can do to embedded servers: nothing."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded.accounts import NOBODY, SPARE_IDS
from core.embedded.programs import EmbeddedServicesUnavailable
from core.embedded.servers import EmbeddedServices
from tests.kit.processes import open_folder
from tests.starts.embedded import (
    User,
    as_normal_user,
    started,
    unless_root_cannot_disguise_itself,
    with_programs_of_its_own,
)

STRANGER = 64533
ATTEMPTS = {
    "connect to PostgreSQL": "socket.socket(socket.AF_UNIX).connect(sockets + '/.s.PGSQL.5432')",
    "connect to Redis": "socket.socket(socket.AF_UNIX).connect(sockets + '/redis.sock')",
    "list the data": "os.listdir(data)",
    "read the data": "open(data + '/PG_VERSION')",
    "list the sockets": "os.listdir(sockets)",
    "put a socket there": "open(sockets + '/planted', 'w')",
    "read the logs": "open(data + '/../../postgres.log')",
    "signal PostgreSQL": "os.kill(int(sys.argv[3]), 0)",
    "look into its files": "os.listdir(f'/proc/{sys.argv[3]}/cwd/')",
    "read its memory": "[open('/dev/shm/' + each) for each in theirs()]",
}
SCRIPT = """
import os, socket, sys
data, sockets, owner = *sys.argv[1:3], int(sys.argv[5])
os.setgroups([]); os.setgid(int(sys.argv[4])); os.setuid(int(sys.argv[4]))
def theirs():
    found = [each for each in os.listdir('/dev/shm') if os.stat('/dev/shm/' + each).st_uid == owner]
    return found or 1 / 0
try:
    {attempt}
except PermissionError:
    print('refused')
"""


@pytest.fixture(scope="module")
def services() -> Iterator[EmbeddedServices]:
    with open_folder("access") as folder:
        (folder / ".local").mkdir(mode=0o755)
        (folder / ".local" / "events.jsonl").write_text("{}\n")
        (folder / ".local" / "events.jsonl").chmod(0o644)
        running = EmbeddedServices(folder / ".local")
        running.start()
        yield running
        running.stop()


@pytest.fixture(scope="module")
def others() -> Iterator[EmbeddedServices]:
    """Those of a normal user, who has left the door to the folder open."""
    with open_folder("home") as home:
        home.chmod(0o777)
        user = User(home / "checkout" / ".local", prefix=as_normal_user())
        assert user.says() == "up"
        yield EmbeddedServices(home / "checkout" / ".local")
        user.leave()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("uid", [NOBODY, STRANGER])
@pytest.mark.parametrize("what", ATTEMPTS)
def test_account_of_another_user_cannot_connect(services: EmbeddedServices, what: str, uid: int) -> None:
    assert attempted(services, what, uid) == "refused\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("what", ATTEMPTS)
def test_account_of_another_normal_user_cannot_connect_either(others: EmbeddedServices, what: str) -> None:
    assert attempted(others, what, STRANGER) == "refused\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_account_with_the_servers_uid_would_get_in(services: EmbeddedServices) -> None:
    account = services.data.stat().st_uid
    assert attempted(services, "connect to PostgreSQL", account) == ""


def attempted(services: EmbeddedServices, what: str, uid: int) -> str:
    """What becomes of it when somebody else tries."""
    postmaster = (services.data / "postmaster.pid").read_text().split()[0]
    owner = services.data.stat().st_uid
    script = SCRIPT.format(attempt=ATTEMPTS[what])
    arguments = (services.data, services.socket_dir, postmaster, uid, owner)
    said = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return said.stdout or said.stderr


def test_folders_that_an_older_run_left_open_are_closed(services: EmbeddedServices) -> None:
    for path in (services.root, services.root / "events.jsonl", services.socket_dir, services.data):
        assert stat.S_IMODE(path.stat().st_mode) & 0o067 == 0, path


def test_path_to_the_data_is_open_to_the_servers_group_alone(services: EmbeddedServices) -> None:
    found = services.root.stat()
    if stat.S_IMODE(found.st_mode) != 0o700:
        assert os.geteuid() == 0
        assert stat.S_IMODE(found.st_mode) == 0o710
        assert found.st_gid == services.data.stat().st_gid in SPARE_IDS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant a folder of somebody else")
def test_folder_of_another_account_is_refused_and_removed_by_a_stop(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path / "planted" / ".local")
    services.socket_dir.mkdir()
    os.chown(services.socket_dir, NOBODY, NOBODY)
    with pytest.raises(EmbeddedServicesUnavailable, match="belongs to uid 65534"):
        services.start()
    services.stop()
    assert not services.socket_dir.exists()


def test_folder_that_the_servers_account_cannot_reach_is_closed_altogether() -> None:
    """As in a checkout below one of mode 0700: there root serves in disguise."""
    with open_folder("below") as folder:
        folder.chmod(0o700)
        services = EmbeddedServices(folder / "checkout" / ".local")
        services.root.parent.mkdir()
        with unless_root_cannot_disguise_itself(), started(services):
            assert stat.S_IMODE(services.root.stat().st_mode) == 0o700
            assert services.data.stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder somebody else's")
def test_checkout_whose_owner_cannot_reach_the_programs_is_served() -> None:
    with open_folder("programs") as folder, open_folder("theirs") as checkout:
        made = with_programs_of_its_own(folder)
        folder.chmod(0o700)
        os.chown(checkout, STRANGER, STRANGER)
        services = EmbeddedServices(checkout / ".local", programs=made.programs)
        with unless_root_cannot_disguise_itself(), started(services):
            assert services.is_running()
            assert services.root.stat().st_uid == STRANGER
            assert services.root.stat().st_mode & 0o067 == 0
