"""How RATE_LIMITS is written; read by the settings, so it needs no Django."""

import re
from dataclasses import dataclass

SECONDS = {"s": 1, "min": 60, "h": 3600}
_RATE = re.compile(r"([a-z0-9_*-]+)=([1-9][0-9]{0,8})/(s|min|h)", re.ASCII)


@dataclass(frozen=True)
class Rate:
    """So many requests of one caller in each window of so many seconds."""

    requests: int
    seconds: int


def rates(text: str) -> dict[str, Rate]:
    """Read `order-create=5/s,coupon-issue=60/min,*=1000/h`: an endpoint's name or `*`. Raises ValueError.

    A name given twice is refused, as one of its rates would silently not count; so is an entry that is empty.
    """
    found = [_RATE.fullmatch(part.strip()) for part in text.split(",")] if text else []
    limits = {rate[1]: Rate(int(rate[2]), SECONDS[rate[3]]) for rate in found if rate}
    if len(limits) < len(found):
        raise ValueError("must be as in order-create=5/s,coupon-issue=60/min,*=1000/h, no endpoint twice")
    return limits
