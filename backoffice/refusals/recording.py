"""Recording refusals beside the requests: none waits for it, and lost records are counted.

A thread of each web process writes one batch a second. Of many refusals of one kind, the first are listed and
the others counted, so that 90,000 refusals of a campaign take a few rows.
"""

import atexit
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from backoffice.refusals import metrics
from backoffice.refusals.models import Refusal
from core.db.transactions import atomic_with_retries
from core.http.handler import named_caller
from core.problems import Problem

GetResponse = Callable[[HttpRequest], HttpResponse]

STATUSES = frozenset({401, 409, 422, 503})
BATCH_SECONDS = 1.0
# For each kind (a route and a code) in a batch of one process.
LISTED = 20
CLOSING_SECONDS = 2.0

log = structlog.get_logger(__name__)


def record_refusals(get_response: GetResponse) -> GetResponse:
    recorder = Recorder()

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        problem: Problem | None = getattr(response, "problem", None)
        if problem and problem.status in STATUSES and request.path.startswith("/api/"):
            recorder.record(request, problem)
        return response

    return middleware


class Recorder:
    """The refusals to write, and a thread that writes them, started by the first refusal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listed: list[Refusal] = []
        self._counted: Counter[tuple[str, str]] = Counter()
        self._beyond: dict[tuple[str, str], Refusal] = {}
        self._came, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, request: HttpRequest, problem: Problem) -> None:
        """Add the refusal to the next batch, from any thread, without waiting for the database."""
        route = request.resolver_match.view_name if request.resolver_match else ""
        kind = (route, problem.code)
        with self._lock:
            self._counted[kind] += 1
            if self._counted[kind] <= LISTED:
                self._listed.append(_refusal(request, problem))
            elif kind not in self._beyond:
                self._beyond[kind] = _refusal(request, problem)
            with suppress(RuntimeError):  # no thread is to be had now: the next refusal asks for one
                self._start()
        self._came.set()

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="refusals", daemon=True)
            thread.start()
            self._thread = thread
            atexit.register(self.close)

    def close(self) -> None:
        """Write the last batch and end; waits CLOSING_SECONDS at most."""
        self._closing.set()
        self._came.set()
        if self._thread:
            self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._came.wait(BATCH_SECONDS):
                connection.close()
                self._came.wait()
            self._closing.wait(BATCH_SECONDS)
            self._came.clear()
            self._write(self._batch())

    def _batch(self) -> list[Refusal]:
        with self._lock:
            batch, counted, beyond = self._listed, self._counted, self._beyond
            self._listed, self._counted, self._beyond = [], Counter(), {}
        for kind, refusal in beyond.items():
            refusal.user_id, refusal.extension_members, refusal.request_id = None, {}, ""
            refusal.times = counted[kind] - LISTED
        return [*batch, *beyond.values()]

    def _write(self, batch: list[Refusal]) -> None:
        try:
            _keep(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, requests go on
            connection.close()
            metrics.LOST.inc(sum(each.times for each in batch))
            log.warning("refusals_not_kept", count=len(batch), error=str(error).partition("\n")[0])


@atomic_with_retries
def _keep(batch: list[Refusal]) -> None:
    # No standby is waited for: losing some with the server is acceptable.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    Refusal.objects.bulk_create(batch)


def _refusal(request: HttpRequest, problem: Problem) -> Refusal:
    return Refusal(
        refused_at=timezone.now(),
        user_id=named_caller(request),
        request=f"{request.method} {quote(request.path)}"[:200],
        status=problem.status,
        code=problem.code,
        extension_members=problem.extension_members,
        request_id=getattr(request, "request_id", ""),
        times=1,
    )
