"""Benchmarks against hand-written tables and bare routes; `make bench` runs them, the test suite does not."""
