"""Runs of suites: planned, run, kept, and gone on with by whoever is there."""
