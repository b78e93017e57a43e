"""What an operator does: set the store up, and run shards of an evaluation as a worker of a job."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping

from adwright_docstore import StoreError
from adwright_resources.table_admin import TABLE_COMMANDS, add_table_commands, set_up_table
from adwright_servicekit.errors import AdwrightError, InvalidInput, NotFound
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from .app import open_parts
from .settings import Settings, StoreSettings

__all__ = ["run"]


def run(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Runs `admin …` and returns the exit code: 0 done, 1 failed, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m adwright_evaluator admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_table_commands(commands)
    work = commands.add_parser("work", help="run one shard of an evaluation, as a pod of an indexed Job does")
    work.add_argument("evaluation", help="evaluations/ID")
    work.add_argument("--tenant", required=True, help="whose it is")
    work.add_argument(
        "--shard", type=int, default=int(environ.get("JOB_COMPLETION_INDEX", 0)), help="from 0; as Kubernetes says"
    )
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        if options.command in TABLE_COMMANDS:
            return asyncio.run(set_up_table(StoreSettings.load(environ).place, options))
        return asyncio.run(_work(Settings.load(environ), options))
    except SettingsError as error:
        print(f"adwright_evaluator admin: {error}", file=sys.stderr)
        return 2
    except (InvalidInput, NotFound) as error:
        print(f"adwright_evaluator admin: {error.message}", file=sys.stderr)
        return 2
    except (AdwrightError, StoreError) as error:
        print(f"adwright_evaluator admin: {error}", file=sys.stderr)
        return 1


async def _work(settings: Settings, options: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    # A pod that is told to go leaves its shard for the next one at once, not when its lease has run out.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    name = str(options.evaluation).removeprefix("evaluations/")
    try:
        async with open_parts(settings, Telemetry("adwright-evaluator")) as parts:
            state = await parts.keeper.run_one(options.tenant, name, options.shard)
    except asyncio.CancelledError:
        print(f"shard {options.shard} of evaluations/{name} was left for others to go on with", file=sys.stderr)
        return 1
    print(f"shard {options.shard} of evaluations/{name} is done; the run: {state.value}")
    return 0
