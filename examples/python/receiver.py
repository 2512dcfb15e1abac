"""A data platform's endpoint: it verifies each event, tells repeats apart by id and answers 204.

DATA_PLATFORM_SECRET=whsec_… python receiver.py 8200
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["DATA_PLATFORM_SECRET"])
MAX_BYTES = 1_000_000  # many times an event; anybody may post
seen = set()  # a real platform keeps these with what it made of the events, in one transaction


class Receiver(BaseHTTPRequestHandler):
    """Takes order.paid.v1 events."""

    def do_POST(self) -> None:
        """Answer 204 for an event that is kept, 401 for one that the shop did not sign."""
        try:
            length = int(self.headers.get("Content-Length", ""))
            body = self.rfile.read(length) if 0 <= length <= MAX_BYTES else b""
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):  # or its form is wrong
            self.send_error(401)
            return
        if event["id"] not in seen:
            seen.add(event["id"])
            print(f"order {event['data']['order_id']}: {event['data']['total']} won", flush=True)
        self.send_response(204)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
