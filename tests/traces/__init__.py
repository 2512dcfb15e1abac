"""Traces, by the packages of requirements-traces.txt and a receiver of OTLP; `make test-traces` runs it."""
