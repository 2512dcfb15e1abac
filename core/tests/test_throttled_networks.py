"""Visitors of one network have one limit."""

from types import SimpleNamespace

import pytest

from core.http.throttling import EndpointThrottle
from core.rates import Rate

VIEW = SimpleNamespace(basename="product", action="list")


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [
        ("2001:db8::1", "2001:db8::2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", False),
        ("2001:db8::1", "2001:db8:0:1::1", True),
    ],
)
def test_visitor_with_many_addresses_has_one_limit(settings, monkeypatch, first, second, passes):
    seen: dict[str, int] = {}
    monkeypatch.setattr(
        "core.http.throttling.count",
        lambda _cache, key, **_window: seen.update({key: seen.get(key, 0) + 1}) or seen[key],
    )
    monkeypatch.setattr("core.http.throttling.time.time", lambda: 0.0)
    settings.RATE_LIMITS = {"*": Rate(1, 3600)}
    asked = [SimpleNamespace(user=None, META={"REMOTE_ADDR": each}) for each in (first, second)]
    assert [EndpointThrottle().allow_request(each, VIEW) for each in asked] == [True, passes]
