"""`python -m adwright_evaluator` serves until SIGTERM; `python -m adwright_evaluator admin …` sets up and works."""

import sys

from adwright_servicekit.main import run_main

from . import admin
from .app import serve
from .settings import Settings

_USAGE = "usage: python -m adwright_evaluator [admin create-table | check | work EVALUATION --tenant TENANT]"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    return run_main("adwright-evaluator", Settings, serve, admin.run, usage=_USAGE, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
