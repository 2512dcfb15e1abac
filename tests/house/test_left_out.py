"""What is kept out of the image and out of git: .dockerignore and .gitignore."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.compose import is_copied
from tests.kit.processes import ROOT

# What the image runs; migrations, templates and all. Other kinds of files have no business in it.
KINDS = {".py", ".html", ".css", ".js", ".svg", ".mo", ".toml"}
SECRETS = [
    ".env",
    ".env.production",
    ".env.local",
    ".env.production.bak",
    "deploy.pem",
    "tls.key",
    "core/tls.key",
    "config/private.pem",
    "orders/id.p12",
    "secret_key",
    ".local/secret_key",
    ".local/uploads/1.csv",
]
DUMPS = [
    "pointshop.dump",
    "pointshop.dump.gz",
    "pointshop.sql",
    "dump.sql.gz",
    "db.backup",
    "core/pointshop.dump",
    "orders/orders.sql",
    "users/members.jsonl",
    "events.jsonl",
    "settings.py.bak",
    "core/http/views.py~",
    "core/http/views.py.orig",
    "config/.settings.py.swp",
    "core.4711",
]
OTHERS = [
    ".git/config",
    ".gitignore",
    ".dockerignore",
    ".ci/run",
    ".venv/bin/python",
    "venv/pyvenv.cfg",
    "env/lib/x.py",
    "my-env/lib/site.py",
    "tests/kit/client.py",
    "core/tests/test_health.py",
    "benchmarks/load.py",
    "docs/operations.md",
    "examples/python/purchase.py",
    "deploy/nginx/pointshop.conf",
    "Dockerfile",
    "docker-compose.yml",
    "Makefile",
    "conftest.py",
    "pytest.ini",
    "requirements-dev.txt",
    "README.md",
    "locale/ko/LC_MESSAGES/django.po",
    "core/__pycache__/views.cpython-311.pyc",
    "media/upload.xlsx",
    "core/upload.csv",
    "config/core",
    "core/.#views.py",
    "orders/nohup.out",
    "new_app/models.py",
    "core/experiments/try.py",
]


def tracked() -> list[Path]:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    return [Path(name) for name in listed.split("\0") if name]


# Of the one-machine shop of `make run` the image has the receiver alone.
IN_IMAGE = {"__init__.py", "apps.py", "receiver.py", "receive_events.py"}


# The admin shows these.
MANUALS = {Path("docs"), Path("docs/ko")}


def is_run(path: Path) -> bool:
    """Whether a file belongs to an app as it runs in production, and not to its tests; or to the manual."""
    if {path.parent, path.parent.parent} & MANUALS and (path.name == "admin.md" or path.suffix == ".webp"):
        return True
    apart = {"tests", "benchmarks", "docs", "deploy", "examples"} & {*path.parts}
    if len(path.parts) == 1 or apart or path.suffix not in KINDS or path.name == "factories.py":
        return False
    return path.parts[0] != "local" or path.name in IN_IMAGE


def test_image_has_exactly_the_files_that_its_dockerfile_copies():
    copied = {path for path in tracked() if is_copied(path)}
    sources = re.findall(r"(?m)^COPY (?!--from)(\S+) ", (ROOT / "Dockerfile").read_text())
    named = {Path(source) for source in sources if source != "."}
    assert copied == {path for path in tracked() if is_run(path)} | named | {Path("manage.py")}


def test_each_line_of_the_dockerignore_is_about_some_file():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    exceptions = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert [each for each in exceptions if not [*ROOT.glob(each)]] == []


@pytest.mark.parametrize("name", [*SECRETS, *DUMPS, *OTHERS])
def test_image_leaves_out_secrets_and_dumps(name):
    assert not is_copied(Path(name))


def test_dockerignore_by_list_would_forget_a_dump():
    listed = "**/tests\n.*\nbenchmarks\ndocs\n"
    assert is_copied(Path("pointshop.dump"), listed)
    assert not is_copied(Path("orders/tests/test_place.py"), listed)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*", "a/b.py", None),
        ("*.py", "a.py", "a/b.py"),
        ("a/*.py", "a/b.py", "a/b/c.py"),
        ("**/*.py", "a/b/c.py", "a/b.html"),
        ("*/temp*", "a/temporary.txt", "a/b/temporary"),
        ("temp?", "tempa/x", "temp"),
        ("/a", "a/b", "b/a"),
    ],
)
def test_pattern_of_dockers_leaves_out(pattern, fits, fits_not):
    assert not is_copied(Path(fits), f"# a remark\n\n{pattern}\n")
    assert fits_not is None or is_copied(Path(fits_not), pattern)


def test_exception_below_an_excluded_folder_counts_for_nothing():
    assert is_copied(Path("a/b/c.py"), "*\n!a/b/*.py")
    assert not is_copied(Path("a/b/c.py"), "*\n!a/**/*.py")


@pytest.mark.parametrize("name", [*SECRETS[:-3], *DUMPS])
def test_git_ignores_secrets_and_dumps(name):
    asked = ["git", "check-ignore", "--quiet", "--no-index", name]
    assert subprocess.run(asked, cwd=ROOT, check=False).returncode == 0


def test_git_ignores_nothing_that_the_project_has():
    asked = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.check_output(asked, cwd=ROOT, text=True) == ""


def test_dump_of_the_operators_page_is_for_its_owner_alone_and_left_out():
    page = (ROOT / "docs/operations.md").read_text()
    dumps = re.findall(r"(?m)^(.*)\n.* pg_dump .* > (\S+)$", page)
    assert dumps
    for before, name in dumps:
        assert before == "umask 077"
        assert not is_copied(Path(name))
        assert subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False).returncode == 0
