"""A data platform's endpoint: it verifies each event, tells repeats apart by id and answers 204.

DATA_PLATFORM_SECRET=whsec_… python receiver.py 8200
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["DATA_PLATFORM_SECRET"])
seen = set()  # a real platform keeps these with what it made of the events, in one transaction


class Receiver(BaseHTTPRequestHandler):
    """Takes order.paid.v1 events."""

    def do_POST(self) -> None:
        """Answer 204 for an event that is kept, 401 for one that the shop did not sign."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.send_error(401)
            return
        if event["id"] not in seen:
            seen.add(event["id"])
            print(f"order {event['data']['order_id']}: {event['data']['total']} won", flush=True)
        self.send_response(204)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
