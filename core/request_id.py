"""The id that joins what web, worker and platform write about one request."""

from structlog.contextvars import get_contextvars


def request_id() -> str:
    """The id of the request being answered, at most 64 characters; empty outside of one."""
    return str(get_contextvars().get("request_id", ""))
