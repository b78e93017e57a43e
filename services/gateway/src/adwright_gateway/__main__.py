"""`python -m adwright_gateway` serves until SIGTERM; `python -m adwright_gateway admin …` sets up and makes tenants."""

import sys

from adwright_servicekit.main import run_main

from . import admin
from .app import serve
from .settings import Settings

_USAGE = "usage: python -m adwright_gateway [admin create-table | check | create-tenant TENANT | set-limits TENANT]"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    return run_main("adwright-gateway", Settings, serve, admin.run, usage=_USAGE, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
