"""`python -m adwright_gateway` serves until SIGTERM; `python -m adwright_gateway admin …` sets up and makes tenants."""

import os
import sys

from adwright_servicekit.main import run_service

from . import admin
from .app import serve
from .settings import Settings

_USAGE = "usage: python -m adwright_gateway [admin create-table | check | create-tenant TENANT | set-limits TENANT]"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    match arguments:
        case []:
            return run_service("adwright-gateway", Settings, serve, os.environ)
        case ["admin", *rest]:
            return admin.run(rest, os.environ)
        case ["-h" | "--help"]:
            print(_USAGE)
            return 0
    print(_USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
