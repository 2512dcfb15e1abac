"""The image carries what its lock and .dockerignore leave it, and asks for nothing else."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.kit.compose import is_copied
from tests.kit.dependencies import LOCKS, pins
from tests.kit.processes import ROOT

FILES = [
    Path(name)
    for name in subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True
    ).split()
]
BROUGHT_BY = packages_distributions()
PINNED = {name: pins(ROOT / name).keys() for name in LOCKS}


def imported(file: Path) -> Iterator[str]:
    """What a file imports, wherever in it; of `from a import b` both `a` and `a.b`, which may be a module."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{each.name}" for each in node.names))


def lacks(module: str, taken: Callable[[Path], bool], lock: str = "locks/image.txt") -> bool:
    """Whether a module is of this project and left out, or of a package that the lock has not."""
    path = Path(*module.split("."))
    ours = {path.with_suffix(".py"), path / "__init__.py"} & {*FILES}
    if ours:
        return not any(map(taken, ours))
    brought_by = {canonicalize_name(name) for name in BROUGHT_BY.get(path.parts[0], [])}
    return bool(brought_by) and not brought_by & PINNED[lock]


def missed(taken: Callable[[Path], bool]) -> set[str]:
    """What the files that are taken import and do not get."""
    taken_files = [file for file in FILES if file.suffix == ".py" and taken(file)]
    return {name for file in taken_files for name in imported(file) if lacks(name, taken)}


def test_image_has_every_module_that_it_imports():
    assert missed(is_copied) == set()


def test_file_that_imports_more_would_be_noticed():
    assert "local.demo" in missed(lambda file: is_copied(file) or file.name == "bootstrap.py")
    assert "factory.django" in missed(lambda file: is_copied(file) or file.name == "factories.py")
    assert "pytest" in missed(lambda file: is_copied(file) or file.name == "conftest.py")


def test_image_has_every_app_and_the_files_of_its_build():
    taken = {file.as_posix() for file in FILES if is_copied(file)}
    assert taken >= {
        "manage.py",
        "config/wsgi.py",
        "config/celery.py",
        "orders/services.py",
        "locale/ko/LC_MESSAGES/django.mo",
    }
    sources = re.findall(r"(?m)^COPY ([^-.\s]\S*) ", (ROOT / "Dockerfile").read_text())
    assert sources == ["locks/image.txt", "locks/traces.txt"]
    assert taken >= {*sources}


def test_image_has_no_demo_data_and_no_command_to_make_it():
    names = {file.name for file in FILES if is_copied(file)}
    assert not names & {"seed_demo.py", "factories.py", "demo.py", "growth.py", "history.py", "launcher.py"}


def test_image_runs_the_newest_python_that_every_pin_has_a_wheel_for():
    names = re.findall(r"(?m)^FROM python:([\d.]+)-slim", (ROOT / "Dockerfile").read_text())
    seen = re.search(r"(?m)^PYTHONS := (.+)$", (ROOT / "Makefile").read_text())
    assert seen
    assert {*names} == {max(seen[1].split(), key=lambda version: [*map(int, version.split("."))])}
