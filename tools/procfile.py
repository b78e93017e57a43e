"""`python -m tools.procfile FILE`: honcho, with the patience that draining streams need.

honcho ends all processes when one has ended, and kills those that take longer than five seconds. Ours take as long as
their streams (`ADWRIGHT_SHUTDOWN_GRACE`), and then end by themselves.
"""

import os
import sys

import honcho.manager
from honcho.command import main

from adwright_servicekit.settings import ServerSettings, SettingsError

__all__ = ["start"]


def start(procfile: str) -> None:
    """Runs the processes of `procfile` until one ends or a signal comes; exits with its code."""
    try:
        settings = ServerSettings.load(os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    honcho.manager.KILL_WAIT = settings.shutdown_delay + settings.shutdown_grace + 5
    main(["start", "-f", procfile])


if __name__ == "__main__":
    start(sys.argv[1])
