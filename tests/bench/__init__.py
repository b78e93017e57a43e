"""Benchmarks: `make bench`. Speed is measured here and asserted nowhere."""
