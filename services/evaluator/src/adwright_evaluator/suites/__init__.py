"""Suites in promptfoo's YAML, read from the files that came along."""

from .reader import read_suite

__all__ = ["read_suite"]
