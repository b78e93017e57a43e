"""How every service's `__main__` runs: environ in, exit code out, one line for what the operator did wrong."""

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from .errors import AdwrightError
from .logs import configure
from .settings import ServerSettings, SettingsError
from .telemetry import Telemetry

__all__ = ["run_main", "run_service"]

S = TypeVar("S", bound=ServerSettings)


def run_service(
    name: str,
    settings_class: type[S],
    serve: Callable[[S, Telemetry], Awaitable[None]],
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Loads settings, serves until a signal, and returns the exit code: 0 drained, 1 failed, 2 wrong settings."""
    try:
        settings = settings_class.load(environ)
        configure(name, settings.log_level, settings.log_format)
        telemetry = Telemetry.from_environ(name, environ)
        _calm_garbage_collection()
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(_awaited(serve(settings, telemetry)))
        finally:
            telemetry.close()
    except SettingsError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except AdwrightError as error:
        print(f"{name}: {error.message}", file=sys.stderr)
        return 1
    return 0


def run_main(
    name: str,
    settings_class: type[S],
    serve: Callable[[S, Telemetry], Awaitable[None]],
    admin: Callable[[list[str], Mapping[str, str]], int],
    *,
    usage: str,
    arguments: list[str],
) -> int:
    """As `run_service`, for a service with commands of an operator: `admin …`. Returns the exit code."""
    match arguments:
        case []:
            return run_service(name, settings_class, serve)
        case ["admin", *rest]:
            return admin(rest, os.environ)
        case ["-h" | "--help"]:
            print(usage)
            return 0
    print(usage, file=sys.stderr)
    return 2


def _calm_garbage_collection() -> None:
    """What is imported stays, so it is not looked through again and again; nor is everything at every 700th object.

    Cycles are still found: a service under load makes 50,000 objects in a fraction of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
