"""`python -m adwright_generator`: serves until SIGTERM."""

import sys

from adwright_servicekit.main import run_service

from .app import serve
from .settings import Settings

if __name__ == "__main__":
    sys.exit(run_service("adwright-generator", Settings, serve))
