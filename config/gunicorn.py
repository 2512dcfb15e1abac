"""How gunicorn runs the shop: `gunicorn -c config/gunicorn.py config.wsgi:application`."""

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

import environ
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

# Several processes count as one; prometheus_client looks for this when it is imported.
GIVEN = "PROMETHEUS_MULTIPROC_DIR" in os.environ
OWN_METRICS = "" if GIVEN else tempfile.mkdtemp(prefix="pointshop-metrics-")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", OWN_METRICS)

from prometheus_client import multiprocess  # noqa: E402

from config.logs import logging_config  # noqa: E402

# From glibc's <malloc.h>. By its defaults every thread would keep what its largest request needed, and a few
# imports leave hundreds of megabytes behind (benchmarks/README.md). Other systems keep their own ways.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
    for option, value in {M_TRIM_THRESHOLD: 128 * 1024, M_MMAP_THRESHOLD: 128 * 1024, M_ARENA_MAX: 2}.items():
        mallopt(option, value)

env = environ.Env()
env.read_env(Path(__file__).parents[1] / ".env")

bind = f"{env.str('HOST', '127.0.0.1')}:{env.int('PORT', 8000)}"
workers = env.int("WEB_CONCURRENCY", os.cpu_count() or 1)
worker_class = "config.web.WaitressWorker"
# A request that waits for a locked row occupies a thread for up to 3 s; the others must not run out of them.
# Each keeps a database connection: 64 in all, within PostgreSQL's default of 100, up to 8 processes.
threads = min(32, max(8, 64 // workers))
timeout = 30
graceful_timeout = 30
forwarded_allow_ips = env.str("FORWARDED_ALLOW_IPS", "")  # the one proxy (or *) whose X-Forwarded-* count
# Of one form with what the application writes.
logconfig_dict = logging_config(readable=env.bool("DEBUG", False))
control_socket_disable = True  # by default gunicorn makes one under $HOME or $XDG_RUNTIME_DIR


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """Drop a dead process's live gauges from the shared metrics."""
    multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: Arbiter) -> None:
    """Leave no counters behind."""
    if OWN_METRICS:
        shutil.rmtree(OWN_METRICS, ignore_errors=True)
