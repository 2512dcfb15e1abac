"""Where traces may be sent; that they are is seen in tests/traces."""

import sys

import pytest

from core import traces

NO_URL = ["collector:4318", "grpc://collector:4317", "http://", "http://collector:0"]
NO_URL += ["http://user:hunter2/more@collector:4318", "http://[hunter2/"]
SHOWN = ["http://collector/?token=hunter2", "http://collector/#hunter2", "http://user/hunter2@collector"]


@pytest.mark.parametrize("url", NO_URL)
def test_endpoint_that_is_no_url_of_a_host_is_refused(url):
    with pytest.raises(ValueError, match="is no http:// or https:// URL of a host") as refused:
        traces.check_endpoint(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", SHOWN)
def test_endpoint_that_would_be_logged_with_a_secret_is_refused(monkeypatch, url):
    with pytest.raises(ValueError, match=r"^has a query, a fragment or an @ behind its host") as refused:
        traces.check_endpoint(url)
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv(traces.OF_TRACES, url)
    with pytest.raises(ValueError, match="is set, but OTEL_EXPORTER_OTLP_TRACES_ENDPOINT has a query"):
        traces.check_endpoint("http://collector:4318")


@pytest.mark.parametrize("found", [None, "opentelemetry-api alone"])
def test_endpoint_is_refused_in_words_without_the_packages(monkeypatch, found):
    for name in ("OTEL_PROPAGATORS", "OTEL_TRACES_SAMPLER_ARG"):
        monkeypatch.setenv(name, "")  # to be restored
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    monkeypatch.setattr(traces, "find_spec", lambda _name: found)
    with pytest.raises(ValueError, match="needs the packages of requirements-traces"):
        traces.check_endpoint("http://collector:4318")
