"""Whom the embedded servers run as: whoever may be in the checkout, and never root."""

import os
from pathlib import Path

import pytest

from core.embedded.processes import command_lines
from core.embedded.programs import EmbeddedServicesUnavailable
from core.embedded.servers import EmbeddedServices
from tests.starts.embedded import (
    User,
    as_normal_user,
    ask,
    postmaster,
    processes,
    started,
    tell,
    unless_root_cannot_disguise_itself,
    with_programs_of_its_own,
    works,
)


def test_checkout_closed_to_other_accounts_works(folders: Path) -> None:
    closed = folders / "closed"
    closed.mkdir()
    services = with_programs_of_its_own(closed)
    closed.chmod(0o700)
    with unless_root_cannot_disguise_itself(), started(services):
        assert works(services)
        assert str(closed) in command_lines()[postmaster(services)]


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
