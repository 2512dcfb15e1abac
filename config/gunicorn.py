"""How gunicorn runs the shop: `gunicorn -c config/gunicorn.py config.wsgi:application`."""

import os
from pathlib import Path

import environ
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from prometheus_client import multiprocess

env = environ.Env()
env.read_env(Path(__file__).parents[1] / ".env")

bind = f"{env.str('HOST', '127.0.0.1')}:{env.int('PORT', 8000)}"
workers = env.int("WEB_CONCURRENCY", os.cpu_count() or 1)
worker_class = "config.web.WaitressWorker"
threads = 8
timeout = 30
graceful_timeout = 30
forwarded_allow_ips = env.str("FORWARDED_ALLOW_IPS", "")  # the one proxy (or *) whose X-Forwarded-* count
control_socket_disable = True  # by default gunicorn makes one under $HOME or $XDG_RUNTIME_DIR


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """Drop a dead process's live gauges from the shared metrics."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
