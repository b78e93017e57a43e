"""From arguments to an exit code, with one line for whatever went wrong."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from adwright_servicekit import errors
from adwright_servicekit.errors import AdwrightError

from ._app import app
from ._interrupted import Interrupted

__all__ = ["main"]

_BAD_INPUT = (
    errors.InvalidInput,
    errors.NotFound,
    errors.AlreadyExists,
    errors.Unauthenticated,
    errors.PermissionDenied,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    # gRPC's own log lines would stand between the user and our one line.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A mark that the terminal's encoding lacks is no reason to fail.
            stream.reconfigure(errors="replace")
    try:
        code = app(args=arguments, prog_name="adwright", standalone_mode=False)
        sys.stdout.flush()
    except Interrupted as error:
        return _fail(error.message, error.reason, 130)
    except AdwrightError as error:
        after = f" (try again in {error.retry_after:.0f} s)" if error.retry_after else ""
        return _fail(f"{error.message}{after}", error.reason, 2 if isinstance(error, _BAD_INPUT) else 1)
    except typer.TyperException as error:
        return _fail(f"{error.format_message().rstrip('.')}; see --help", "USAGE", 2)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # Whoever reads us has left (`| head`). Python flushes once more at exit, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"
        return _fail(f"unexpected {what}; this is a defect of adwright, please report it", "INTERNAL", 1)
    if code == 130:
        # Typer's word for Ctrl-C; the contract knows 0, 1 and 2.
        return _fail("interrupted", "INTERRUPTED", 1)
    return int(code or 0)


def _fail(sentence: str, reason: str, code: int) -> int:
    words = " ".join(sentence.split())
    line = "".join(c if c.isprintable() else "�" for c in words)
    print(f"adwright: {line} [{reason}]", file=sys.stderr)
    return code
