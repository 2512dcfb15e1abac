"""Where events are posted to: the check of DATA_PLATFORM_URL."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

# As in RFC 9112; what is longer, a proxy may refuse.
LONGEST_URL = 8000


@dataclass(frozen=True)
class Destination:
    """A place to post to. `target` is path and query, `authorization` a header's value or empty."""

    scheme: str
    host: str
    port: int | None
    target: str
    authorization: str = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> "Destination":
        """The parts of an http or https URL, its credentials as Basic authorization.

        A host beyond ASCII is refused: its form on the wire (`xn--…`) depends on the edition of IDNA, so
        the operator writes that form. Raises ValueError, in words that show nothing of the URL.
        """
        _refuse(len(url) > LONGEST_URL, f"is longer than {LONGEST_URL} characters")
        _refuse(
            any(not sign.isprintable() or sign.isspace() for sign in url), "has blanks or control characters"
        )
        _refuse("\\" in url, "has a backslash")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # Without its cause, which shows the URL.
            raise ValueError("has a host or a port that cannot be read") from None
        _refuse(parts.scheme not in {"http", "https"}, "must begin with http:// or https://")
        _refuse(port == 0, "has a host or a port that cannot be read")
        _refuse("#" in url, "has a fragment; write # as %23")
        userinfo, at, _ = parts.netloc.rpartition("@")
        # A / or ? in a password ends the host early, and what follows would be shown as the path.
        _refuse(not at and "@" in url, "has an @ behind its host; write @ as %40, / as %2F and ? as %3F")
        return cls(parts.scheme, _host(parts), port, _target(parts), _basic(userinfo) if at else "")


def _refuse(wrong: object, what: str) -> None:
    if wrong:
        raise ValueError(what)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    _refuse(not host, "names no host")
    _refuse(not host.isascii(), "has a host beyond ASCII; write its labels as xn--…")
    if ":" in host:
        return f"[{host}]"
    labels = re.fullmatch(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", host)
    _refuse(not labels, "has a host or a port that cannot be read")
    return host


def _target(parts: SplitResult) -> str:
    # What RFC 3986 does not have in them is percent-encoded.
    query = f"?{parts.query}" if parts.query else ""
    encoded = quote((parts.path or "/") + query, safe="!$&'()*+,;=:@/?%")
    return re.sub("%(?![0-9A-Fa-f]{2})", "%25", encoded)


def _basic(userinfo: str) -> str:
    # RFC 7617, of what is percent-encoded in the URL; a user without a password has an empty one.
    _refuse(
        re.search("%(?![0-9A-Fa-f]{2})", userinfo),
        "has a % in its credentials that encodes nothing; write it as %25",
    )
    user, _, password = (unquote_to_bytes(part) for part in userinfo.partition(":"))
    _refuse(b":" in user, "has a colon in its user, which Basic authorization cannot say")
    _refuse(re.search(rb"[\x00-\x1f\x7f]", user + password), "has control characters in its credentials")
    return f"Basic {b64encode(user + b':' + password).decode()}" if userinfo else ""
