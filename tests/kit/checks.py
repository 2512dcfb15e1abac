"""What must be so once all is mended, resolved and quiet: each check names what is not."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.db.audit import audit
from tests.kit.database import execute
from tests.kit.invariants import broken_rules
from tests.kit.journal import Journal

ORDERS = """
SELECT o.user_id, coalesce(o.idempotency_key, 'none of ' || o.id),
       o.id, o.subtotal, o.discount, o.total, o.issued_coupon_id, o.balance_after,
       (SELECT json_agg(json_build_array(product_id, product_name, unit_price, quantity) ORDER BY i.id)
        FROM orders_orderitem i WHERE i.order_id = o.id)
FROM orders_order o"""
CHARGES = """
SELECT user_id, coalesce(idempotency_key, 'none of ' || id), id, amount, balance_after
FROM points_pointtransaction WHERE type = 'charge'"""
COUPONS = "SELECT user_id, 'coupon-' || coupon_id, id, sequence FROM coupons_issuedcoupon"

# Not every line is whole: what a broken connection prints may stand before it.
TAKEN = re.compile(r'"event_id": "([^"]+)".*?"sha256": "([^"]+)"')

# The check that finds what was lost.
ACKNOWLEDGED = "acknowledged_writes_equal_rows"

Rows = dict[tuple[int, str], tuple[Any, ...]]


def findings(
    *,
    journal: Journal,
    stocked: Mapping[int, int],
    prices: Mapping[int, set[int]],
    taken: Path,
    platform_log: Path,
) -> dict[str, list[str]]:
    """Every check, with what it found."""
    return {
        "answers_fit_contract": journal.complaints,
        "unknowns_are_resolved": [f"{each.request} is open" for each in journal.open()],
        ACKNOWLEDGED: list(writes(journal)),
        "balance_equals_acknowledged": list(balances(journal)),
        "rows_add_up": broken_rules(stock=stocked),
        "prices_were_asked": list(strange_prices(journal, prices)),
        "delivered_equals_received": list(events(journal, taken)),
        "repeated_events_are_equal": list(changed_events(platform_log)),
        "audit_is_clean": list(broken_by_audit(taken)),
    }


def writes(journal: Journal) -> Iterator[str]:
    """Orders, charges and issued coupons: the rows against what clients were told."""
    yield from _compare("order", _told_orders(journal), _rows(ORDERS))
    yield from _compare("charge", _told(journal, "charge", ("id", "amount", "balance_after")), _rows(CHARGES))
    coupons = _rows(COUPONS)
    yield from _compare("issue", _told_coupons(journal, coupons), coupons)


def _rows(query: str) -> Rows:
    return {(user, key): tuple(values) for user, key, *values in execute(query)}


def _told(journal: Journal, operation: str, names: Iterable[str]) -> Rows:
    return {
        (each.request.user or 0, each.request.key or ""): tuple(each.told[name] for name in names)
        for each in journal.acknowledged(operation)
    }


def _told_orders(journal: Journal) -> Rows:
    names = ("id", "subtotal", "discount", "total", "issued_coupon_id", "balance_after", "items")
    line = ("product_id", "product_name", "unit_price", "quantity")
    return {
        key: (*values, [[item[name] for name in line] for item in items])
        for key, (*values, items) in _told(journal, "order", names).items()
    }


def _told_coupons(journal: Journal, rows: Rows) -> Rows:
    """A coupon counts as acknowledged, too, where its issue was in doubt and a later refusal named it."""
    told = _told(journal, "issue", ("id", "sequence"))
    for (operation, user, key), write in journal.writes.items():
        if operation == "issue" and write.held and (write.doubtful or write.told):
            _, sequence = rows.get((user or 0, key or ""), (None, None))
            told[user or 0, key or ""] = write.held, write.told["sequence"] if write.told else sequence
    return told


def _compare(what: str, told: Rows, rows: Rows) -> Iterator[str]:
    for user, key in sorted(told.keys() | rows.keys()):
        one, other = told.get((user, key)), rows.get((user, key))
        if other is None:
            yield f"{what} {key} of member {user} was acknowledged as {one} and is missing"
        elif one is None:
            yield f"{what} {key} of member {user} was never acknowledged and left {other}"
        elif one != other:
            yield f"{what} {key} of member {user} was acknowledged as {one} and is {other}"


def balances(journal: Journal) -> Iterator[str]:
    """Each member's points, from the answers alone."""
    due: Counter[int] = Counter()
    for charge in journal.acknowledged("charge"):
        due[charge.request.user or 0] += charge.told["amount"]
    for order in journal.acknowledged("order"):
        due[order.request.user or 0] -= order.told["total"]
    have = dict(execute("SELECT user_id, balance FROM points_pointaccount"))
    for user in sorted(due.keys() | have.keys()):
        if due[user] != have.get(user, 0):
            yield f"member {user} has {have.get(user, 0)} points, not {due[user]}"


def strange_prices(journal: Journal, prices: Mapping[int, set[int]]) -> Iterator[str]:
    """Orders at a price that the product never had."""
    for order in journal.acknowledged("order"):
        for item in order.told["items"]:
            if item["unit_price"] not in prices[item["product_id"]]:
                yield f"order {order.told['id']}: {item['unit_price']} won for product {item['product_id']}"


def events(journal: Journal, taken: Path) -> Iterator[str]:
    """The outbox against the platform's file, and that against what buyers were told."""
    written = dict(execute("SELECT id::text, state FROM orders_orderevent"))
    received = [json.loads(line) for line in taken.read_text().splitlines()]
    times = Counter(event["id"] for event in received)
    yield from (f"event {pk} is {state}" for pk, state in written.items() if state != "delivered")
    yield from (f"event {pk} was not delivered" for pk in sorted(written.keys() - times.keys()))
    yield from (f"event {pk} was never written" for pk in sorted(times.keys() - written.keys()))
    yield from (f"event {pk} is in the file {count} times" for pk, count in times.items() if count > 1)
    yield from _mistaken(journal, {event["data"]["order_id"]: event["data"] for event in received})


def _mistaken(journal: Journal, data: Mapping[int, Any]) -> Iterator[str]:
    names = ("items", "subtotal", "discount", "total", "issued_coupon_id", "ordered_at")
    for order in journal.acknowledged("order"):
        told, reported = order.told, data.get(order.told["id"])
        if reported is None:
            yield f"order {told['id']} was acknowledged and its event is missing"
        elif any(told[name] != reported[name] for name in names):
            yield f"order {told['id']} was acknowledged as {told} and reported as {reported}"


def copies(platform_log: Path) -> dict[str, list[str]]:
    """What the platform saw of each event: a hash of the body each time."""
    seen = defaultdict(list)
    for pk, sha256 in TAKEN.findall(platform_log.read_text()):
        seen[pk].append(sha256)
    return seen


def changed_events(platform_log: Path) -> Iterator[str]:
    """Events that came again with another body."""
    for pk, hashes in copies(platform_log).items():
        if len(set(hashes)) > 1:
            yield f"event {pk} came as {sorted(set(hashes))}"


def broken_by_audit(taken: Path) -> Iterator[str]:
    """What `manage.py audit` finds."""
    for finding in audit(events=taken):
        if finding.violations:
            yield f"{finding.rule}: {finding.violations}, such as {finding.examples}"
