"""What starts servers and processes by the dozen; `make test-faults` runs it."""
