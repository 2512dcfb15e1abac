"""`make test-distros`: the shop on fresh Debian systems with python3, python3-venv and make, and no more.

Each system is made by debootstrap. In it a copy of this checkout runs `make run`, as an ordinary user and as
root in /root, which is closed to others, until a paid order is in the receiver's file and Ctrl-C has ended
everything; with `--test` it runs `make test` instead, which takes far longer. Needs root, and packages: how
pip and apt reach theirs here is passed on. Where the machine allows no such system, or reaches no Debian
archive, it is skipped with the command that failed.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.processes import ROOT

# git for the tests alone, of which some ask what belongs to the project.
PACKAGES = "python3,python3-venv,make"
HOMES = {"shop": "home/shop", "root": "root"}
UIDS = {"shop": 1000, "root": 0}
RUN_SECONDS = 300
TEST_SECONDS = 1800
REMOVE_SECONDS = 10
REACH_SECONDS = 30
SYSTEMS = "/var/tmp"
# Where debootstrap goes unless told otherwise.
ARCHIVE = "http://deb.debian.org/debian/"
# With processes and mounts of its own, all of which go with the first process; it goes with `unshare`.
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# Not by chroot, inside of which Linux makes no user namespaces. /proc and /dev come along before the old root
# goes: /proc shows what runs in there and nothing else.
INSIDE = """
set -e
mount --bind "$0" "$0"
mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
cd "$0"
pivot_root . .
umount -l .
cd "$2"
exec setpriv --reuid "$1" --regid "$1" --init-groups env -i {environment} sh -c "$3"
"""
# What debootstrap and INSIDE ask of the machine, in an empty folder. Traced: the last command is what failed.
PROBE = """
cd "$0"
mknod null c 1 3
echo >null
chroot / true
setpriv --reuid 1000 --regid 1000 --clear-groups true
mount --bind "$0" "$0"
cd "$0"
mkdir dev proc
mount --rbind /dev dev
mount -t proc proc proc
pivot_root . .
"""


def main() -> int:
    """Try each suite; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.distros", description=__doc__)
    parser.add_argument("suites", nargs="+", help="as debootstrap names them: bookworm, trixie, sid")
    parser.add_argument("--test", action="store_true", help="run `make test` in place of `make run`")
    chosen = parser.parse_args()
    command = (
        "git init --quiet && git add . && exec make test"
        if chosen.test
        else "exec python3 tests/distros/order.py"
    )
    seconds = TEST_SECONDS if chosen.test else RUN_SECONDS
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if reason := missing(chosen.suites):
        say(f"Skipped, so nobody knows whether the shop runs on a fresh Debian: {reason}")
        return 0
    failed = []
    for suite in chosen.suites:
        with debian(suite, packages=f"{PACKAGES},git" if chosen.test else PACKAGES) as root:
            for account in HOMES:
                begun = time.monotonic()
                wrong = run(root, account, command, seconds=seconds)
                spent = f"{time.monotonic() - begun:.0f} s"
                say(f"{suite}, {account}: {f'FAILED ({wrong})' if wrong else 'passed'} after {spent}")
                failed += [suite] if wrong else []
    return int(bool(failed))


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def missing(suites: list[str]) -> str:
    """What this machine lacks for it, with what failed; empty: nothing."""
    if not shutil.which("debootstrap"):
        return "there is no debootstrap. On Debian and Ubuntu, as root: apt-get install debootstrap"
    folder = tempfile.mkdtemp(prefix="probe-", dir=SYSTEMS)
    try:
        probe = [*APART, "sh", "-exc", PROBE, folder]
        probed = subprocess.run(probe, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    if probed.returncode:
        return f"it takes root and its capabilities. {shlex.join(APART)} ends with\n{probed.stderr.rstrip()}"
    for suite in suites:
        url = f"{archive() or ARCHIVE}dists/{suite}/Release"
        try:
            urllib.request.urlopen(url, timeout=REACH_SECONDS).close()  # noqa: S310 - apt's own, or Debian's
        except OSError as error:
            return f"no Debian archive can be reached. {url}: {error}"
    return ""


@contextmanager
def debian(suite: str, *, packages: str) -> Iterator[Path]:
    """A fresh system with a copy of the checkout in two homes, removed in the end."""
    root = Path(tempfile.mkdtemp(prefix=f"{suite}-", dir=SYSTEMS))
    try:
        say(f"Making a Debian {suite} ...")
        mirror = [found] if (found := archive()) else []
        options = ["--variant=minbase", f"--include={packages}", suite]
        subprocess.run(
            [*APART, "debootstrap", *options, root, *mirror], check=True, stdout=subprocess.DEVNULL
        )
        furnish(root)
        yield root
    finally:
        remove(root)


def remove(root: Path) -> None:
    """Delete a system, of which processes that are being killed may write a last time."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while root.exists():
        shutil.rmtree(root, ignore_errors=time.monotonic() < deadline)


def archive() -> str:
    """Where apt takes Debian's packages from; empty: debootstrap's own choice."""
    if not shutil.which("apt-get"):
        return ""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Label: Debian"]
    return next(iter(subprocess.check_output(asked, text=True).split()), "")


def furnish(root: Path) -> None:
    """An ordinary user, the names that this machine knows, certificates, and the checkout in both homes."""
    root.chmod(0o755)
    subprocess.run(
        ["chroot", root, "useradd", "--create-home", "--uid", str(UIDS["shop"]), "shop"], check=True
    )
    for name in ("etc/resolv.conf", "etc/hosts"):
        shutil.copy(Path("/", name), root / name)
    for value in reached_by().values():
        if value.startswith("/"):
            (root / value[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(value, root / value[1:])
    listed = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.check_output(listed, cwd=ROOT, text=True).split("\0")
    for account, home in HOMES.items():
        checkout = root / home / "pointshop"
        for name in names:
            if (ROOT / name).is_file():
                (checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, checkout / name)
        subprocess.run(["chroot", root, "chown", "-R", f"{account}:", f"/{home}"], check=True)
        (root / home).chmod(0o700)


def reached_by() -> dict[str, str]:
    """What pip is told here, by files and environment, of how to reach an index; no folder of wheels."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    lines = [line.partition("=") for line in subprocess.check_output(asked, text=True).splitlines()]
    settings = {name.rpartition(".")[2]: shlex.split(value)[0] for name, _, value in lines if value}
    wanted = {name: settings[name] for name in ("cert", "index-url", "proxy", "timeout") if name in settings}
    given = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in wanted.items()}
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {**proxies, **given}


def run(root: Path, account: str, command: str, *, seconds: float) -> str:
    """What went wrong; empty: nothing. Nothing that it started is left."""
    home = f"/{HOMES[account]}"
    environment = {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", **reached_by()}
    inside = INSIDE.format(environment=" ".join(shlex.quote(f"{k}={v}") for k, v in environment.items()))
    arguments = [str(root), str(UIDS[account]), f"{home}/pointshop", command]
    try:
        done = subprocess.run([*APART, "sh", "-c", inside, *arguments], timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"not done within {seconds:.0f} s"
    return f"exit code {done.returncode}" if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
