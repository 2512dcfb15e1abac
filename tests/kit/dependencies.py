"""What the shop depends on: `python -m tests.kit.dependencies locked`, `installed`, or `audited`.

`locked` compares the locks with the lists that they are made from, `installed` compares this environment with
locks/test.txt: pins, pre-releases, licences. Neither needs a network.
`audited` asks for known weaknesses of every pin; it exits with 0 where somebody answered for all and knows
none, 1 where some are known, and 3 where nobody could be asked about all: silence is not an answer.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
# Each lock with the lists that it is made from.
LOCKS = {
    "locks/image.txt": ("requirements.txt",),
    "locks/run.txt": ("requirements.txt",),
    "locks/test.txt": ("requirements.txt", "requirements-dev.txt"),
    "locks/tools.txt": ("requirements-tools.txt",),
    "locks/clients.txt": ("requirements-clients.txt",),
    "locks/ha.txt": ("requirements-ha.txt",),
    "locks/traces.txt": ("requirements-traces.txt",),
}
# Of the shop itself; the others hold programs that nothing imports, and what is imported where traces are on.
SHOP_LOCKS = {"locks/image.txt", "locks/run.txt", "locks/test.txt"}
# They hold the others.
AUDITED = [ROOT / f"locks/{each}.txt" for each in ("test", "tools", "clients", "ha", "traces")]
NOT_IN_IMAGE = "locks/not-in-image.txt"
# A pin of a lock: its hashes, and the lists and packages that ask for it.
ENTRY = re.compile(r"(?m)^(?P<pin>\w.*) \\\n(?: +--hash=sha256:\w+(?: \\)?\n)+(?P<asked_by>(?: +#.*\n)+)")
ASKER = re.compile(r"(?m)^ +# +(?:via )?(\S.*)$")
PIP_AUDIT = Path(sys.prefix, "tools", "bin", "pip-audit")
SERVICES = ("pypi", "osv")
BROUGHT_BY_VENV = {"pip", "setuptools", "wheel"}
# Licences that let others be combined with what they cover, and sold.
LICENCES = re.compile(
    r"\b(MIT|BSD|Apache|MPL|Mozilla|PSF|Python Software Foundation|ZPL|Zope|LGPL|ISC|Unlicense)\b"
)
NOTHING_KNOWN, WEAK, NOT_ASKED = 0, 1, 3


def pins(*files: Path) -> dict[str, Version]:
    """The version of each package that the files pin for this machine. Raises ValueError for a loose one."""
    required = [each for file in files for each in _requirements(file) if _applies(each)]
    return {canonicalize_name(each.name): _exact(each) for each in required}


def _requirements(file: Path) -> list[Requirement]:
    """What a list or a lock asks for, on any machine."""
    lines = re.sub(r"(^| )#.*|\\\n +--hash=\S+", "", file.read_text(), flags=re.MULTILINE).splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("-")]


def _applies(required: Requirement) -> bool:
    return required.marker is None or required.marker.evaluate()


def _exact(required: Requirement) -> Version:
    (pinned,) = required.specifier
    if pinned.operator != "==" or "*" in pinned.version:
        raise ValueError(f"{required} is not pinned")
    return Version(pinned.version)


def disagreements(root: Path = ROOT) -> Iterator[str]:
    """Where the locks are not what `make locks` makes of the lists, a line each."""
    for lock, lists in LOCKS.items():
        text, left_out = (root / lock).read_text(), set()
        if lock == "locks/image.txt":
            left_out = {canonicalize_name(each.name) for each in _requirements(root / NOT_IN_IMAGE)}
        asked_for = {_pair(each) for name in lists for each in _requirements(root / name)}
        asked_for = {(name, pin) for name, pin in asked_for if name not in left_out}
        asked_by = {
            _pair(Requirement(entry["pin"])): set(ASKER.findall(entry["asked_by"]))
            for entry in ENTRY.finditer(text)
        }
        there = {name for name, _ in asked_by}
        chosen = {each for each, by in asked_by.items() if by & {f"-r {name}" for name in lists}}
        brought = {each for each, by in asked_by.items() if by & there}
        yield from (f"{lock}: {name} {pin} is asked for and not locked" for name, pin in asked_for - chosen)
        yield from (f"{lock}: {name} {pin} is locked and not asked for" for name, pin in chosen - asked_for)
        yield from (
            f"{lock}: nothing brings {name} {pin}" for name, pin in asked_by.keys() - chosen - brought
        )
        rest = [line for line in ENTRY.sub("", text).splitlines() if not line.startswith("# ")]
        yield from (f"{lock}: neither a remark nor a pin with hashes: {line}" for line in rest)
    yield from _apart(root, "locks/test.txt", *LOCKS)


def _apart(root: Path, widest: str, *locks: str) -> Iterator[str]:
    """Pins that differ from those of the lock that holds the others; only programs may have more."""
    known = {_pair(each) for each in _requirements(root / widest)}
    names = {name for name, _ in known}
    for lock in locks:
        for name, pin in sorted({_pair(each) for each in _requirements(root / lock)} - known):
            if name in names or lock in SHOP_LOCKS:
                yield f"{lock}: {name} {pin} is not that of {widest}"


def _pair(required: Requirement) -> tuple[str, Version]:
    return canonicalize_name(required.name), _exact(required)


def faults(pinned: dict[str, Version], found: list[Distribution]) -> Iterator[str]:
    """What is wrong with the distributions that were found, a line each."""
    versions = {canonicalize_name(each.name): Version(each.version) for each in found}
    for name in sorted(versions.keys() | pinned.keys() - BROUGHT_BY_VENV):
        if name not in BROUGHT_BY_VENV and versions.get(name) != pinned.get(name):
            yield f"{name}: installed {versions.get(name)}, pinned {pinned.get(name)}"
    yield from (
        f"{name}: {version} is a pre-release" for name, version in pinned.items() if version.is_prerelease
    )
    for each in found:
        if not LICENCES.search(licence := licence_of(each)):
            yield f"{each.name}: its licence is none we know: {licence or 'it names none'}"


def licence_of(distribution: Distribution) -> str:
    """What a distribution says of its licence."""
    said = distribution.metadata
    classifiers = [line for line in said.get_all("Classifier") or [] if line.startswith("License ::")]
    first_line = (said.get("License") or "").partition("\n")[0]
    return " / ".join(filter(None, [said.get("License-Expression"), first_line, *classifiers]))


@dataclass(frozen=True)
class Answer:
    """What one service knows: weaknesses, a line each, and why it was not asked about everything, if so."""

    weaknesses: list[str]
    gap: str


def ask(service: str, *, program: Path = PIP_AUDIT) -> Answer:
    """Ask a service about every pin."""
    files = [option for lock in AUDITED for option in ("-r", str(lock))]
    options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "-s", service]
    done = subprocess.run([program, *options, *files], capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return Answer([], (done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    heard_of = {canonicalize_name(each["name"]) for each in answers if "skip_reason" not in each}
    unheard_of = sorted(pins(*AUDITED).keys() - heard_of)
    known = [
        f"{each['name']} {each['version']}: {weakness['id']}, mended in {weakness['fix_versions']}"
        for each in answers
        for weakness in each.get("vulns", [])
    ]
    gap = f"it says nothing of {len(unheard_of)} packages, such as {unheard_of[0]}" if unheard_of else ""
    return Answer(known, gap)


def audited(answers: dict[str, Answer]) -> tuple[int, list[str]]:
    """The exit code, and what to say, a line each."""
    weaknesses = sorted({line for answer in answers.values() for line in answer.weaknesses})
    gaps = [f"{service} could not be asked about everything: {each.gap}" for service, each in answers.items()]
    if weaknesses:
        return WEAK, weaknesses
    if all(each.gap for each in answers.values()):
        return NOT_ASKED, [*gaps, "Nobody was asked about everything: this says nothing about weaknesses."]
    return NOTHING_KNOWN, ["No weakness of any pin is known."]


def main(command: str) -> int:
    """Say what was found; the exit code."""
    if command == "audited":
        code, lines = audited({service: ask(service) for service in SERVICES})
    elif command == "locked":
        lines = list(disagreements())
        code = int(bool(lines))
    else:
        lines = list(faults(pins(ROOT / "locks/test.txt"), list(distributions())))
        code = int(bool(lines))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
