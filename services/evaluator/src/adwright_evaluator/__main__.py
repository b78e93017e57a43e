"""`python -m adwright_evaluator` serves until SIGTERM."""

import sys

from adwright_evaluator.app import serve
from adwright_evaluator.settings import Settings
from adwright_servicekit.main import run_service

if __name__ == "__main__":
    sys.exit(run_service("adwright-evaluator", Settings, serve))
