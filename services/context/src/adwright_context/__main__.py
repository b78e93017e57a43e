"""`python -m adwright_context` serves; `python -m adwright_context admin …` sets up and seeds."""

import os
import sys

from adwright_servicekit.main import run_service

from . import admin
from .app import serve
from .settings import ContextSettings

_USAGE = "usage: python -m adwright_context [admin create-table | admin check | admin seed DIR --tenant TENANT]"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    match arguments:
        case []:
            return run_service("adwright-context", ContextSettings, serve, os.environ)
        case ["admin", *rest]:
            return admin.run(rest, os.environ)
        case ["-h" | "--help"]:
            print(_USAGE)
            return 0
    print(_USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
