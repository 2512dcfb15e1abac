"""What Redis knows of a campaign in a rush, so that most refusals need no PostgreSQL.

A block is how a campaign stood for 4,096 members with neighbouring ids at one moment; it is kept for a second
from that moment, whole or not at all. So whatever is done to the database, by whatever means, Redis refuses
only what PostgreSQL would have refused within the last second. It hands nothing out: where it knows nothing,
PostgreSQL is asked, and so it is while nobody is in a hurry.
"""

import sys
import time
from array import array
from datetime import UTC, datetime, timedelta
from functools import cache
from struct import Struct
from threading import Lock
from typing import Any

import redis
from django.core.cache import caches
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.breaker import Breaker
from coupons import selectors
from coupons.models import Coupon
from coupons.selectors import Standing

KEPT_SECONDS = 1.0
RUSH = 16  # refusals of a campaign in one second by one process
MEMBERS = 4096  # in a block
PATIENCE_SECONDS = 0.25
# A block that one request in a second would ask for is not worth reading; nor is one that was just read.
WANTED_SECONDS, READ_SECONDS = 2.0, 0.1
MOST_NOTED = 10_000

HEADER = Struct("=??qq")  # is it open, is it sold out, from when and until when in microseconds
ENTRY_BYTES = 8
NOBODY, NONE_ISSUED, UNBOUNDED = -1, 0, -(2**63)
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

CHANGED, BLOCKS = "{rush}:changed", "{rush}:blocks"
# What was read before a change may arrive after it: for as long as that is possible no block is taken in.
KEEP = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
    redis.call('SADD', KEYS[2], KEYS[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
"""
FORGET = """
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
for _, block in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.call('DEL', block) end
redis.call('DEL', KEYS[2])
"""

_first_use = Lock()
_redis = Breaker(name="coupon rushes", seconds=5)
_refused: dict[int, tuple[int, int, int]] = {}  # of a campaign: a second, refusals in it, in the one before
_noted: dict[str, tuple[float, float]] = {}  # of a block: when it was last missed, and last read


def standing(*, user_id: int, coupon_id: int) -> Standing | None:
    """How the campaign stood for the member within the last second; None where that is not known."""
    if not _is_rush(coupon_id):
        return None
    return _redis.ask(lambda: _kept(user_id=user_id, coupon_id=coupon_id), otherwise=lambda: None)


def refused(*, coupon_id: int) -> None:
    """Count a refusal: many make a rush."""
    second = int(time.monotonic())
    now, before = _counts(coupon_id, second)
    _refused[coupon_id] = (second, now + 1, before)


def missed(*, user_id: int, coupon_id: int) -> None:
    """After PostgreSQL refused what Redis did not: in a rush, keep the member's block if others want it."""
    if _is_rush(coupon_id) and _is_wanted(_key(coupon_id, user_id)):
        _redis.ask(lambda: _keep(user_id=user_id, coupon_id=coupon_id), otherwise=lambda: None)


def forget() -> None:
    """Have the next request of every campaign decided by PostgreSQL: campaigns were changed."""
    arrives = round((KEPT_SECONDS + PATIENCE_SECONDS) * 1000)
    _redis.ask(lambda: _client().eval(FORGET, 2, CHANGED, BLOCKS, arrives), otherwise=lambda: None)


def _is_rush(coupon_id: int) -> bool:
    return max(_counts(coupon_id, int(time.monotonic()))) >= RUSH


def _counts(coupon_id: int, second: int) -> tuple[int, int]:
    """Refusals in this second and in the one before."""
    last, now, before = _refused.get(coupon_id, (second, 0, 0))
    if last == second:
        return now, before
    return 0, now if last == second - 1 else 0


def _is_wanted(block: str) -> bool:
    now = time.monotonic()
    last_missed, last_read = _noted.get(block, (-WANTED_SECONDS, -READ_SECONDS))
    wanted = now - last_missed < WANTED_SECONDS and now - last_read >= READ_SECONDS
    if len(_noted) >= MOST_NOTED:
        _noted.clear()
    _noted[block] = (now, now if wanted else last_read)
    return wanted


def _kept(*, user_id: int, coupon_id: int) -> Standing | None:
    place = HEADER.size + user_id % MEMBERS * ENTRY_BYTES
    with _client().pipeline(transaction=False) as asked:
        asked.getrange(_key(coupon_id, user_id), 0, HEADER.size - 1)
        asked.getrange(_key(coupon_id, user_id), place, place + ENTRY_BYTES - 1)
        header, entry = asked.execute()
    if not (header and entry):
        return None
    held = int.from_bytes(entry, sys.byteorder, signed=True)
    is_open, is_sold_out, opens, closes = HEADER.unpack(header)
    return Standing(
        is_registered=held != NOBODY,
        is_open=is_open,
        opens_at=_moment(opens),
        closes_at=_moment(closes),
        issued_coupon_id=held if held > NONE_ISSUED else None,
        is_sold_out=is_sold_out,
    )


def _keep(*, user_id: int, coupon_id: int) -> None:
    """Read the block and put it into Redis for what is left of its second."""
    began = time.monotonic()
    found = selectors.campaign(coupon_id=coupon_id)
    if found is None:
        return
    coupon, read_at = found
    # The holders are read after the campaign: who has none then had none when it was seen sold out.
    block = _header(coupon, read_at) + _entries(coupon_id, user_id - user_id % MEMBERS)
    left = _seconds_unchanged(coupon, read_at) - (time.monotonic() - began)
    if left > 0:
        keys = (CHANGED, BLOCKS, _key(coupon_id, user_id))
        life, longest = max(1, int(left * 1000)), round(KEPT_SECONDS * 1000)
        _client().eval(KEEP, len(keys), *keys, block, life, longest)


def _header(coupon: Coupon, read_at: datetime) -> bytes:
    period = (_microseconds(coupon.opens_at), _microseconds(coupon.closes_at))
    return HEADER.pack(coupon.is_open(now=read_at), coupon.remaining == 0, *period)


def _entries(coupon_id: int, first_id: int) -> bytes:
    entries = array("q", [NOBODY]) * MEMBERS
    last_id = first_id + MEMBERS - 1
    for user_id in selectors.members_among(first_id=first_id, last_id=last_id):
        entries[user_id - first_id] = NONE_ISSUED
    for user_id, issued_coupon_id in selectors.holders_among(
        coupon_id=coupon_id, first_id=first_id, last_id=last_id
    ):
        entries[user_id - first_id] = issued_coupon_id
    return entries.tobytes()


def _seconds_unchanged(coupon: Coupon, read_at: datetime) -> float:
    """How long what was read holds: a second, or until it opens or closes."""
    turns = [turn - read_at for turn in (coupon.opens_at, coupon.closes_at) if turn and turn > read_at]
    return min([KEPT_SECONDS, *(turn.total_seconds() for turn in turns)])


def _key(coupon_id: int, user_id: int) -> str:
    return f"{{rush}}:{coupon_id}:{user_id // MEMBERS}"


def _microseconds(moment: datetime | None) -> int:
    return UNBOUNDED if moment is None else (moment - EPOCH) // MICROSECOND


def _moment(microseconds: int) -> datetime | None:
    return None if microseconds == UNBOUNDED else EPOCH + microseconds * MICROSECOND


def _client() -> Any:
    with _first_use:  # two clients made at once: the one that is dropped would cut those who use it
        return _connected(caches.settings["default"]["LOCATION"])


@cache
def _connected(url: str) -> Any:
    """One client of each process, whose threads share its connections."""
    return redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
