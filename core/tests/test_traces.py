"""Where traces may be sent; that they are is seen in tests/traces."""

import pytest

from core import traces


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://", "http://collector:0"])
def test_endpoint_that_is_no_url_of_a_host_is_refused(url):
    with pytest.raises(ValueError, match="is no http:// or https:// URL"):
        traces.check_endpoint(url)


def test_endpoint_is_refused_in_words_without_the_packages(monkeypatch):
    monkeypatch.setattr(traces, "find_spec", lambda _name: None)
    with pytest.raises(ValueError, match="needs the packages of requirements-traces"):
        traces.check_endpoint("http://collector:4318")
