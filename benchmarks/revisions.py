"""Source trees to run a shop from, each with a Python that has what it requires."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".local" / "paired"
# What was pinned before there were locks, and since.
REQUIREMENTS = ("locks/run.txt", "requirements.txt")


class UnknownRevision(Exception):
    """Git has no such commit."""


def commit(revision: str) -> str:
    """The full id of a revision's commit. Raises UnknownRevision."""
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        raise UnknownRevision(revision)
    return found.stdout.decode().strip()


def describe() -> str:
    """What this tree is: its commit, and whether it differs from that."""
    head = commit("HEAD")[:7]
    return f"{head} with uncommitted changes" if _git("status", "--porcelain").stdout else head


def check_out(sha: str, folder: Path) -> None:
    """Write a commit's files into a new folder."""
    _extract(_git("archive", sha).stdout, folder)


def copy_this_tree(folder: Path) -> None:
    """Write the files of this tree as they are into a new folder, where neither `.env` nor an edit comes."""
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.decode().split("\0")
    present = "\0".join(name for name in listed if name and (ROOT / name).exists())
    command = ["tar", "--create", "--null", "--files-from=-"]
    done = subprocess.run(command, cwd=ROOT, input=present.encode(), capture_output=True, check=True)
    _extract(done.stdout, folder)


def python(sha: str) -> Path:
    """This Python, or where a commit requires other packages one that has those; kept for the next time."""
    if not _git("diff", "--quiet", sha, "--", *REQUIREMENTS).returncode:
        return Path(sys.executable)
    folder = ENVIRONMENTS / sha
    found, installed = folder / "bin" / "python", folder / "installed"
    if not installed.exists():
        venv.create(folder, clear=True, with_pip=True)
        listed = folder / "requirements.txt"
        listed.write_bytes(_requirements(sha))
        options = ["--quiet", "--disable-pip-version-check", "-r", str(listed)]
        subprocess.run([found, "-m", "pip", "install", *options], check=True)
        installed.touch()
    return found


def _requirements(sha: str) -> bytes:
    versions = (_git("show", f"{sha}:{name}") for name in REQUIREMENTS)
    return next(shown.stdout for shown in versions if not shown.returncode)


def _extract(archive: bytes, folder: Path) -> None:
    folder.mkdir()
    subprocess.run(["tar", "--extract", "-C", folder], input=archive, check=True)


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
