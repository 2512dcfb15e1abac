"""The bundled receiver with faults: `python -m tests.kit.faulty_receiver PORT FILE [HOST]`, until killed.

PUT /faults says what it does to events from then on.
"""

import json
import os
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from django.utils.datastructures import CaseInsensitiveMapping

from local.receiver import Receiver

# Makes the kernel send a reset instead of an orderly end.
NO_LINGER = struct.pack("ii", 1, 0)


class FaultyHandler(BaseHTTPRequestHandler):
    """Seconds of `delay`, then a `reset` or a `status` with `retry_after`, if any is said; else as it is."""

    receiver: ClassVar[Receiver]
    faults: ClassVar[dict[str, Any]] = {}
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def do_PUT(self) -> None:
        type(self).faults = json.loads(self._body())
        self._answer(200, b"{}")

    def do_GET(self) -> None:
        self._pass_on(self._body())

    def do_POST(self) -> None:
        time.sleep(self.faults.get("delay", 0))
        if self.faults.get("reset"):
            self._reset()
        elif "status" in self.faults:
            self._body()
            self._answer(self.faults["status"], b'{"error": "told to fail"}')
        else:
            self._pass_on(self._body())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _pass_on(self, body: bytes) -> None:
        headers = CaseInsensitiveMapping(dict(self.headers.items()))
        self._answer(*self.receiver.answer(method=self.command, path=self.path, headers=headers, body=body))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if "retry_after" in self.faults:
            self.send_header("Retry-After", str(self.faults["retry_after"]))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        # The reader shares the socket, which closes with the last of the two.
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Of which a caller who hangs up is no news."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    FaultyHandler.receiver = Receiver(file=Path(sys.argv[2]), secret=os.environ["DATA_PLATFORM_SECRET"])
    host = sys.argv[3] if sys.argv[3:] else "127.0.0.1"
    with Server((host, int(sys.argv[1])), FaultyHandler) as server:
        sys.stdout.write(f"Events posted to http://{host}:{sys.argv[1]}/events land in {sys.argv[2]}\n")
        sys.stdout.flush()
        server.serve_forever()
