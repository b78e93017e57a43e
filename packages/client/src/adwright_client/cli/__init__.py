"""The `adwright` command.

Exit codes: 0 done, 1 the work failed, 2 bad input. What went wrong is one line on standard error.
Nothing here imports gRPC before a command needs it: `adwright --help` answers at once.
"""

from ._main import main

__all__ = ["main"]
