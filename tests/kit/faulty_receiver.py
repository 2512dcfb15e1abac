"""The bundled receiver with faults: `python -m tests.kit.faulty_receiver PORT FILE`, until it is killed.

PUT /faults says what it does to events from then on.
"""

import json
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from local.receiver import Handler, Receiver

# Makes the kernel send a reset instead of an orderly end.
NO_LINGER = struct.pack("ii", 1, 0)


class FaultyHandler(Handler):
    """Seconds of `delay`, then a `reset` or a `status` with `retry_after`, if any is said; else as it is."""

    server: "FaultyReceiver"

    def do_PUT(self) -> None:  # noqa: N802 - the base class's
        self.server.faults = json.loads(self._body())
        self._answer(200, {})

    def do_POST(self) -> None:  # noqa: N802 - the base class's
        faults = self.server.faults
        time.sleep(faults.get("delay", 0))
        if faults.get("reset"):
            self._reset()
        elif "status" in faults:
            self._body()
            self._answer(faults["status"], {"error": "told to fail"})
        else:
            super().do_POST()

    def end_headers(self) -> None:
        if "retry_after" in self.server.faults:
            self.send_header("Retry-After", str(self.server.faults["retry_after"]))
        super().end_headers()

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        # The reader shares the socket, which closes with the last of the two.
        self.rfile.close()
        self.connection.close()


class FaultyReceiver(Receiver):
    """As it is until told otherwise."""

    handler = FaultyHandler

    def __init__(self, **given: Any) -> None:
        self.faults: dict[str, Any] = {}
        super().__init__(**given)


if __name__ == "__main__":
    secret = os.environ["DATA_PLATFORM_SECRET"]
    with FaultyReceiver(
        host="127.0.0.1", port=int(sys.argv[1]), file=Path(sys.argv[2]), secret=secret
    ) as receiver:
        sys.stdout.write(f"Events posted to {receiver.url} land in {sys.argv[2]}\n")
        sys.stdout.flush()
        receiver.serve_forever()
