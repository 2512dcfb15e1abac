"""The commands that the documents show: where they stand, and what is wrong with one, without running it."""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from functools import cache
from importlib.util import find_spec
from io import StringIO

import yaml
from django.core.management import CommandError, get_commands, load_command_class

from tests.kit.manifests import objects
from tests.kit.processes import ROOT

PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
BLOCK = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
# A word or two in the running text that begin as a command does; a lone name is no command.
INLINE = re.compile(
    r"`((?:DEBUG=1 )?(?:make|python3?|manage\.py|docker compose|celery|pip|\.venv/bin/python) [^`]+)`"
)
ASSIGNMENT = re.compile(r"[A-Z_]+=")


def documented(text: str) -> Iterator[str]:
    """Every command of a page, one line each."""
    blocks = [content for kind, content in BLOCK.findall(text) if kind == "sh"]
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        for command in re.sub(r"(^|\s)#\s.*", "", line).split("&&"):
            if words := command.strip():
                yield words
    yield from INLINE.findall(BLOCK.sub("", text))


def wrong_with(command: str) -> str:
    """Why a command would not run, or nothing. Raises KeyError where nobody here can judge it."""
    said = shlex.split(command.replace("…", ""))
    while said and ASSIGNMENT.match(said[0]):
        said.pop(0)
    if not said:
        return ""
    program = said[0].removeprefix(".venv/bin/")
    return JUDGES[program](said[1:])


def _make(words: Sequence[str]) -> str:
    """Each target is there, takes these variables, and runs modules that take these options."""
    recipes = (ROOT / "Makefile").read_text()
    given = [word.partition("=")[0] for word in words if "=" in word]
    known = {*re.findall(r"\$\(([A-Z]+)\)", recipes), "PORT", "SCREENSHOTS"}
    if unknown := set(given) - known:
        return f"no variable of make: {unknown}"
    targets = {word for word in words if "=" not in word}
    if unknown := targets - set(re.findall(r"(?m)^([a-z-]+):", recipes)):
        return f"no target of make: {unknown}"
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, text=True, capture_output=True, check=False
    )
    if done.returncode:
        return done.stderr
    asked = [line for line in done.stdout.splitlines() if re.search(r"-m (benchmarks|tests\.chaos)\b", line)]
    return "".join(_python(shlex.split(line)[1:]) for line in asked)


def _python(words: Sequence[str]) -> str:
    if not words:
        return ""
    if words[0] == "manage.py":
        return _manage(words[1:])
    if words[0].endswith(".py"):
        return "" if (ROOT / "examples" / "python" / words[0]).is_file() else f"no example {words[0]}"
    module, options = words[1], words[2:]
    if find_spec(module) is None:
        return f"no module {module}"
    return _asked_for_help(module, tuple(options)) if options and module not in NO_HELP else ""


def _manage(words: Sequence[str]) -> str:
    if not words:
        return ""
    name, *options = words
    if name not in get_commands():
        return f"no command {name}"
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    return _parsed(lambda: command.create_parser("manage.py", name).parse_args(options))


def _parsed(parse: Callable[[], object]) -> str:
    """What argparse has to say."""
    with redirect_stderr(StringIO()) as said, suppress(SystemExit):
        try:
            parse()
        except CommandError as refusal:
            return str(refusal)
    return said.getvalue()


@cache
def _asked_for_help(module: str, options: tuple[str, ...]) -> str:
    """A program with these options and --help: it reads what stands before, and starts nothing."""
    asked = [sys.executable, "-m", module, *options, "--help"]
    done = subprocess.run(asked, cwd=ROOT, text=True, capture_output=True, check=False)
    unknown = [each for each in options if each.startswith("-") and f"{each} " not in f"{done.stdout} "]
    return done.stderr if done.returncode else ", ".join(unknown)


def _celery(words: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "celery", *words, "--help"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def _compose(words: Sequence[str]) -> str:
    """`docker compose`: options that it has, profiles and services that the file has, and their commands."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    profiles = {name for service in document["services"].values() for name in service.get("profiles", [])}
    if words[0] != "compose":
        return f"no subcommand of docker known here: {words[0]}"
    if words[1:] == ["--profile", words[-1]]:
        return "" if words[-1] in profiles else f"no profile {words[-1]}"
    read = _compose_parser(sorted(document["services"]), sorted(profiles))
    problem = _parsed(lambda: read.parse_args(words[1:]))
    inside = [] if problem else getattr(read.parse_args(words[1:]), "inside", [])
    return problem or (_python(inside[1:]) if inside[:1] == ["python"] else "")


def _compose_parser(services: list[str], profiles: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="docker compose", allow_abbrev=False)
    parser.add_argument("--profile", choices=profiles)
    parser.add_argument("--env-file")
    commands = parser.add_subparsers(required=True)
    flags = {
        "up": ("--build", "--detach", "--wait", "--no-deps"),
        "build": (),
        "ps": (),
        "logs": ("--follow",),
        "run": ("--rm",),
        "exec": ("-T",),
    }
    for name, options in flags.items():
        command = commands.add_parser(name, allow_abbrev=False)
        for option in options:
            command.add_argument(option, action="store_true")
        if name in {"run", "exec"}:
            command.add_argument("service", choices=services)
            command.add_argument("inside", nargs=argparse.REMAINDER)
        else:
            command.add_argument("services", nargs="*", choices=[*services, []])
    commands.choices["logs"].add_argument("--since")
    commands.choices["up"].add_argument(
        "--scale", choices=[f"{name}={n}" for name in services for n in range(9)]
    )
    return parser


def _kubectl(words: Sequence[str]) -> str:
    """`kubectl`: verbs and options of these pages, files that are there, objects of the manifests."""
    read = argparse.ArgumentParser(prog="kubectl", allow_abbrev=False)
    verbs = ("apply", "create", "delete", "exec", "rollout", "wait")
    read.add_argument("verb", choices=verbs)
    read.add_argument("what", nargs="*")
    for option in ("filename", "kustomize", "namespace", "for", "timeout", "type", "from-env-file"):
        read.add_argument(f"--{option}")
    for flag in ("--ignore-not-found", "--stdin", "--tty"):
        read.add_argument(flag, action="store_true")
    outside, _, inside = " ".join(words).partition(" -- ")
    if problem := _parsed(lambda: read.parse_intermixed_args(outside.split())):
        return problem
    said = read.parse_intermixed_args(outside.split())
    places = [place for place in (said.filename, said.kustomize) if place and not (ROOT / place).exists()]
    wanted = [each for each in said.what if "/" in each]
    wanted += [f"job/{said.what[1]}"] if said.verb == "delete" else []
    known = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in objects()}
    missing = [f"no {each}" for each in [*places, *(set(wanted) - known)]]
    return ", ".join(missing) or (_python(shlex.split(inside)[1:]) if inside else "")


def _file_is_there(words: Sequence[str]) -> str:
    """`pip install -r` and `cp`."""
    names = [word for word in words if "." in word and word != ".env"]
    return ", ".join(name for name in names if not (ROOT / name).is_file())


def _cd(words: Sequence[str]) -> str:
    return "" if (ROOT / words[0]).is_dir() else f"no folder {words[0]}"


def _runs_elsewhere(_words: Sequence[str]) -> str:
    """tests/stack/test_readme.py, test_operations.py or tests/clients run it, or it is everybody's."""
    return ""


NO_HELP = {"tests.kit.dependencies", "venv"}
JUDGES: dict[str, Callable[[Sequence[str]], str]] = {
    "make": _make,
    "python": _python,
    "python3": _python,
    "manage.py": _manage,
    "celery": _celery,
    "docker": _compose,
    "kubectl": _kubectl,
    "pip": _file_is_there,
    "cp": _file_is_there,
    "cd": _cd,
    **dict.fromkeys(("curl", "pytest", ".", "export", "umask"), _runs_elsewhere),
    **dict.fromkeys(("npm", "node", "openapi-python-client"), _runs_elsewhere),
}
