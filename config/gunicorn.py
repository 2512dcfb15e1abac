"""How gunicorn runs the shop: `gunicorn -c config/gunicorn.py config.wsgi:application`."""

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

COUNTERS = "pointshop-metrics-"


def locked(folder: str | Path) -> int | None:
    """An open folder whose lock is ours until this process and its workers end; None where others use it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (PermissionError, FileNotFoundError, NotADirectoryError):  # another account's, or gone meanwhile
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def remove_counters(folder: str, owner: int) -> None:
    # Workers run this when they end, too.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


# Several processes count as one; prometheus_client looks for this when it is imported.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    for left in Path(tempfile.gettempdir()).glob(f"{COUNTERS}*"):  # of a shop that was killed
        if (descriptor := locked(left)) is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(descriptor)
    while locked(folder := tempfile.mkdtemp(prefix=COUNTERS)) is None:
        pass  # another start took it for one that was left
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    # Not gunicorn's on_exit, which a start that fails (a port that is taken) does not come to.
    atexit.register(remove_counters, folder, os.getpid())

from prometheus_client import multiprocess  # noqa: E402

from config.dotenv import SettingsError  # noqa: E402
from config.logs import logging_config  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Here rather than in every worker, each of which would end with a traceback and be started again.
try:
    from django.conf import settings

    from config.environment import in_url

    bind = f"{in_url(settings.HOST)}:{settings.PORT}"
except SettingsError as reason:
    sys.exit(str(reason))

workers = settings.WEB_CONCURRENCY
forwarded_allow_ips = ",".join(settings.FORWARDED_ALLOW_IPS)
worker_class = "core.http.waitress_worker.WaitressWorker"
# A request that waits for a locked row occupies a thread for up to 3 s; the others must not run out of them.
# Each keeps a database connection: 64 in all, within PostgreSQL's default of 100, up to 8 processes.
threads = min(32, max(8, 64 // workers))
timeout = 30
graceful_timeout = 30
# Of one form with what the application writes.
logconfig_dict = logging_config(readable=settings.DEBUG)
control_socket_disable = True  # by default gunicorn makes one under $HOME or $XDG_RUNTIME_DIR


def child_exit(_server: Arbiter, worker: Worker) -> None:
    # Its live gauges would go on being counted.
    multiprocess.mark_process_dead(worker.pid)
