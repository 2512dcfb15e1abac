"""A crowd at the door: everybody is connected before the first word is said, and everybody speaks at once."""

import http.client
import json
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.http.waitress_worker import open_files_limit
from tests.kit.client import JSON, Answer


@dataclass(frozen=True)
class Wish:
    """A POST of somebody, with a body or without one."""

    user_id: int
    path: str
    data: Any = None

    def send(self, connection: http.client.HTTPConnection) -> None:
        """All of it."""
        body = None if self.data is None else json.dumps(self.data)
        headers = {"X-User-Id": str(self.user_id), **({} if body is None else JSON)}
        connection.request("POST", f"/api/v1/{self.path}", body, headers)


def rush(url: str, wishes: Iterable[Wish]) -> list[Answer]:
    """What each was answered, in their order; as many requests are under way at once as there are wishes."""
    open_files_limit()
    with ExitStack() as stack:
        crowd = [(wish, stack.enter_context(closing(connected(url)))) for wish in wishes]
        for wish, connection in crowd:
            wish.send(connection)
        return [answer_on(connection) for _, connection in crowd]


def connected(url: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    connection.connect()
    return connection


def answer_on(connection: http.client.HTTPConnection) -> Answer:
    with connection.getresponse() as response:
        return Answer(response.status, response.headers, response.read())
