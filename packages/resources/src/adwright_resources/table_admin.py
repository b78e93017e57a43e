"""`admin create-table` and `admin check`, for every service that has a store."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from adwright_docstore import check_table, create_table

if TYPE_CHECKING:
    from .stores import StorePlace

__all__ = ["TABLE_COMMANDS", "add_table_commands", "set_up_table"]

TABLE_COMMANDS = frozenset({"create-table", "check"})


def add_table_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds both to the commands of a parser."""
    create = commands.add_parser("create-table", help="create the store, or put right the settings of the one there is")
    check = commands.add_parser("check", help="report what create-table would put right, and change nothing")
    for command in (create, check):
        command.add_argument("--kms-key", help="DynamoDB: encrypt with this key (id, ARN or alias; default: AWS's own)")
        command.add_argument(
            "--no-deletion-protection", action="store_true", help="DynamoDB: do not ask for deletion protection"
        )


async def set_up_table(place: StorePlace, options: argparse.Namespace) -> int:
    """Runs one of them and gives the exit code: 1 where something is left to be put right."""
    if place.kind == "sqlite":
        async with await place.open():
            print(f"the store is ready: sqlite at {place.sqlite_path}")
        return 0
    call = create_table if options.command == "create-table" else check_table
    report = await call(
        place.dynamodb_table, kms_key=options.kms_key, deletion_protection=not options.no_deletion_protection
    )
    print(f"table {report.table}: {'created' if report.created else 'there'}")
    for label, phrases in (
        ("put right", report.repaired),
        ("not supported by this endpoint", report.unsupported),
        ("to be put right by create-table", report.problems),
    ):
        for phrase in phrases:
            print(f"  {label}: {phrase}")
    return 1 if report.problems else 0
