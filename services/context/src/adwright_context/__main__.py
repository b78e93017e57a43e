"""`python -m adwright_context` serves; `python -m adwright_context admin …` sets up and seeds."""

import sys

from adwright_servicekit.main import run_main

from . import admin
from .app import serve
from .settings import ContextSettings

_USAGE = "usage: python -m adwright_context [admin create-table | admin check | admin seed DIR --tenant TENANT]"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    return run_main("adwright-context", ContextSettings, serve, admin.run, usage=_USAGE, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
