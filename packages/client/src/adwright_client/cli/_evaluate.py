"""What the scorers said, on standard output."""

import sys
from collections.abc import Awaitable

from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextResponse

from ._output import json_line, terminal
from ._plain import check_lines

__all__ = ["evaluate_text", "show_verdict"]


async def evaluate_text(asked: Awaitable[EvaluateTextResponse], *, as_json: bool) -> int:
    """Exit code 1 when a required scorer failed."""
    verdict = await asked
    if as_json:
        sys.stdout.buffer.write(json_line(verdict))
    else:
        show_verdict(verdict, "evaluation")
    return 0 if verdict.passed else 1


def show_verdict(verdict: EvaluateTextResponse, title: str) -> None:
    """The scorers' findings, and the verdict below."""
    mean = f", mean score {verdict.score:.2f}" if verdict.HasField("score") else ""
    console = terminal()
    if console is None:
        print(f"\n-- {title} --")
        for line in check_lines(verdict.checks, variants=False):
            print(line)
        print(f"{'passed' if verdict.passed else 'not passed'}{mean}", flush=True)
        return
    from rich.text import Text

    from ._frame import checks_table

    console.print(checks_table(title, verdict.checks, variants=False))
    said = ("✓ passed", "green") if verdict.passed else ("✗ not passed", "red")
    console.print(Text.assemble("  ", said, (mean, "dim")))
