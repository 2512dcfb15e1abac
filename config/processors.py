"""How many processors this process may use; a container's limit, which nothing in Python counts, is one."""

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_processors(*, mounted: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """The processors that it may run on, limited by the CPU quotas of its cgroups, rounded up; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    found = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([found, *_quotas(mounted, membership)]))


def _quotas(mounted: Path, membership: Path) -> Iterator[int]:
    # The line of cgroup version 2 names no controllers.
    files: tuple[str, ...]
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            files, root = ("cpu.max",), mounted
        elif "cpu" in controllers.split(","):
            files, root = ("cpu.cfs_quota_us", "cpu.cfs_period_us"), mounted / "cpu"
        else:
            continue
        own = Path(path.lstrip("/"))
        # A limit of a cgroup holds for all below it. In a container without a namespace for them, its own is
        # mounted as the root, and the path is one of the host's.
        for folder in (own, *own.parents):
            quota, _, period = " ".join(_read(root / folder / name).strip() for name in files).partition(" ")
            if quota.isdecimal() and period.isdecimal() and int(period):
                yield -(-int(quota) // int(period))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
