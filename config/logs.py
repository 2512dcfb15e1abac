"""Log lines: readable in development, JSON in production, the request id in each.

Whatever a client or an exception brings along, a line stays one line of ASCII and of bounded length.
"""

import json
import logging
import os
import re
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

import structlog

MAX_LINE = 8192
# Tried in turn: a character takes up to twelve when it is escaped. A trace may be so many times as long.
VALUE_LENGTHS = (1000, 250, 50)
TRACE_TIMES = 6
MAX_NUMBER = 2**64
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SECRET_NAME = re.compile(r"SECRET|PASSWORD")
# A password may have any character. The second form finds that of each URL of a list.
URL_PASSWORDS = (
    re.compile(r"://[^:@/]*:(.+)@"),
    re.compile(r"://[^:@/]*:([^@/?#;]+)@"),
    re.compile(r"[?&]\w*password=([^&]+)"),
)
# Names of settings, besides those that Django and Celery hide, whose values may hold a password.
ADDRESSES = "URL|LOCATION|ENDPOINT"
# Shorter ones are words that lines have anyway.
SHORTEST_SECRET = 8

SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(*, readable: bool) -> dict[str, Any]:
    """Django's LOGGING; structlog, warnings and `logging` itself are set up at once."""
    logging.captureWarnings(not readable)
    # No line says where in the code it was written, which takes looking through the stack for each.
    logging._srcfile = None  # noqa: SLF001 - as Python's logging HOWTO has it
    line = Line(render=_for_people() if readable else _as_json)
    structlog.configure(
        processors=[*SHARED, structlog.processors.format_exc_info, line],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": Formatter, "line": line}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True},
            # That there is no `.env` is no news where the environment has it all.
            "environ": {"level": "WARNING"},
            # The access line says it already.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
            # Two lines a second for the sweep would hide the rest.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            # It warns of what it ignores because an error is on its way already.
            "psycopg": {"level": "ERROR"},
        },
    }


class Rendered(str):
    """A line that structlog has rendered."""

    __slots__ = ()


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders what libraries log as `line` does; a rendered line stays as it is."""

    def __init__(self, *, line: Callable[..., str]) -> None:
        super().__init__(
            foreign_pre_chain=[*SHARED, _without_trace_of_refusals],
            processors=[self.remove_processors_meta, structlog.processors.format_exc_info, line],
        )

    def format(self, record: logging.LogRecord) -> str:
        return record.msg if isinstance(record.msg, Rendered) else super().format(record)


class Line:
    """The last processor: ASCII, at most MAX_LINE characters, without a secret of the environment."""

    def __init__(self, *, render: Callable[..., Any]) -> None:
        self.render = render
        self.secrets = _secrets()

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> Rendered:
        line = ""
        for most in VALUE_LENGTHS:
            line = self.render(logger, name, {key: self._cut(key, event[key], most) for key in event})
            if len(line) <= MAX_LINE:
                break
        return Rendered(line)

    def _cut(self, key: str, value: object, most: int) -> object:
        if value is None or (isinstance(value, int | float) and abs(value) < MAX_NUMBER):
            return value
        # The digits of a very long number would take their time, so Python refuses.
        text = value if isinstance(value, str) else hex(value) if isinstance(value, int) else repr(value)
        for secret in self.secrets:
            text = text.replace(secret, "***")
        half = most * (TRACE_TIMES if key == "exception" else 1) // 2
        left_out = len(text) - 2 * half
        return text if left_out <= 0 else f"{text[:half]} ...{left_out} characters... {text[-half:]}"


def _without_trace_of_refusals(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
    # Django logs a trace where it refuses a client, for a strange `Host` above all; the message says it.
    if event["logger"].startswith("django.security."):
        event.pop("exc_info", None)
    return event


def _as_json(_logger: Any, _name: str, event: dict[str, Any]) -> str:
    return json.dumps(event)


def _for_people() -> Callable[..., str]:
    console = structlog.dev.ConsoleRenderer(
        colors=False, repr_native_str=True, exception_formatter=structlog.dev.plain_traceback
    )

    def render(logger: Any, name: str, event: dict[str, Any]) -> str:
        text = console(logger, name, {**event, "event": CONTROL.sub(_escaped, str(event.get("event")))})
        # Only a trace has further lines: none of them begins as a line of its own would.
        lines = text.encode("ascii", "backslashreplace").decode().split("\n")
        return "\n    ".join(CONTROL.sub(_escaped, line) for line in lines)

    return render


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _secrets() -> list[str]:
    values = [value for name, value in os.environ.items() if SECRET_NAME.search(name)]
    for name, value in os.environ.items():
        if name.endswith(("_URL", "_ENDPOINT")):
            values += [password for form in URL_PASSWORDS for password in form.findall(value)]
        if name.endswith("_HEADERS"):  # OpenTelemetry's: name=value,name=value
            values += [each.partition("=")[2].strip() for each in value.split(",")]
    # A line may have one as it is written, as it is meant (percent-decoded), or as `repr` shows it.
    known = {form for value in values for form in (value, unquote(value), repr(value)[1:-1])}
    return sorted((each for each in known if len(each) >= SHORTEST_SECRET), key=len, reverse=True)
