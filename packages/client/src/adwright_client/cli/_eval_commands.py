"""`adwright eval`."""

from typing import TYPE_CHECKING, Annotated

import typer

from adwright_servicekit.errors import InvalidInput

from ._eval_label_commands import calibrate, label, labels
from ._eval_suite_commands import suites
from ._options import Json

if TYPE_CHECKING:
    from ..client import AsyncClient

__all__ = ["evals"]

evals = typer.Typer(name="eval", help="Suites of prompts, providers and cases: run, looked at, compared.")

_MOST = 10**6
Name = Annotated[str, typer.Argument(help="The run's id, `latest` or `previous`.", metavar="RUN")]
Output = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", help="Write .json, .html, .csv, .xml or .jsonl. Several times.", metavar="FILE"),
]
Detach = Annotated[bool, typer.Option("--detach", help="Print the run's name and do not wait.")]
NoTable = Annotated[bool, typer.Option("--no-table", help="Say only what came out.")]
Budget = Annotated[float, typer.Option("--budget", help="Begin no call once so much is spent.", min=0, metavar="USD")]


@evals.command("run")
def run_suite(
    suite: Annotated[
        str, typer.Argument(help="A YAML file, a folder with promptfooconfig.yaml, or suites/NAME.", metavar="SUITE")
    ] = "",
    config: Annotated[str, typer.Option("--config", "-c", help="The same, as promptfoo has it.", metavar="FILE")] = "",
    output: Output = None,
    max_concurrency: Annotated[
        int, typer.Option("--max-concurrency", "-j", help="Calls of providers at a time.", min=0, max=2000)
    ] = 0,
    repeat: Annotated[int, typer.Option("--repeat", help="How often each cell is run.", min=0, max=100)] = 0,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask again what was asked before.")] = False,
    budget: Budget = 0,
    rpm: Annotated[int, typer.Option("--rpm", help="Calls of providers a minute.", min=0, max=_MOST)] = 0,
    first: Annotated[int, typer.Option("--first", "-n", help="Only so many cases.", min=0, max=_MOST)] = 0,
    pattern: Annotated[
        str, typer.Option("--filter-pattern", help="Only cases whose description matches.", metavar="REGEX")
    ] = "",
    provider: Annotated[
        list[str] | None, typer.Option("--provider", help="Only this provider. Several times.", metavar="LABEL")
    ] = None,
    judge: Annotated[str, typer.Option("--judge", help="Who grades: backend:NAME.", metavar="PROVIDER")] = "",
    shards: Annotated[int, typer.Option("--shards", help="Over how many workers it is spread.", min=0, max=1000)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether it could be run.")] = False,
    detach: Detach = False,
    no_table: NoTable = False,
    as_json: Json = False,
) -> int:
    """Run a suite, that of this folder by default; exit code 1 when an assertion fails or a cell cannot be told."""
    if suite and config:
        raise InvalidInput("name one suite, as an argument or with --config", reason="USAGE")
    if output and (detach or dry_run):
        problem = "there is nothing to write yet: leave --output out, and write with adwright eval export"
        raise InvalidInput(problem, reason="USAGE")
    from adwright.evaluator.v1.evaluation_pb2 import EvaluationOptions

    from ._eval_files import check_outputs
    from ._eval_run import Wanted, run_and_show
    from ._session import run

    options = EvaluationOptions(
        max_concurrency=max_concurrency,
        repeat=repeat,
        no_cache=no_cache,
        requests_per_minute=rpm,
        budget_usd=budget,
        first_cases=first,
        case_pattern=pattern,
        providers=provider or (),
        shards=shards,
        judge=judge,
    )
    files = check_outputs(output or ())
    wanted = Wanted(files, dry_run=dry_run, detach=detach, table=not no_table, as_json=as_json)
    return run("eval run", lambda client: run_and_show(client, suite or config or ".", options, wanted), timeout=120)


@evals.command("show")
def show(
    name: Name = "latest",
    cells: Annotated[bool, typer.Option("--cells", help="Every cell.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only cells that failed.")] = False,
    as_json: Json = False,
) -> int:
    """Show a run, and follow it while it runs."""
    from ._eval_show import show_run
    from ._session import run

    return run("eval show", lambda client: show_run(client, name, cells=cells, failed=failed, as_json=as_json))


@evals.command("list")
def list_runs(as_json: Json = False) -> int:
    """List the runs, the newest first."""
    from ._eval_show import show_runs
    from ._session import run

    return run("eval list", lambda client: show_runs(client, as_json=as_json))


@evals.command("compare")
def compare(
    baseline: Annotated[str, typer.Argument(help="What it was: a run, or a file of results.", metavar="A")],
    candidate: Annotated[str, typer.Argument(help="What it is now.", metavar="B")],
    column: Annotated[
        tuple[str, str], typer.Option("--column", help="Compare these columns, by a part of their labels.")
    ] = ("", ""),
    fail_on_worse: Annotated[
        bool, typer.Option("--fail-on-worse", help="Exit code 1 when something is shown to be worse.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Say whether B is better than A, and how sure that is."""
    from ._eval_show import show_comparison
    from ._session import run

    return run(
        "eval compare",
        lambda client: show_comparison(client, baseline, candidate, column, as_json=as_json, fail=fail_on_worse),
        timeout=300,
    )


@evals.command("export")
def export(name: Name = "latest", output: Output = None) -> int:
    """Write a run as files."""
    if not output:
        raise InvalidInput("name a file with --output", reason="USAGE")
    from ._eval_files import check_outputs, write_outputs
    from ._eval_show import resolved
    from ._session import run

    files = check_outputs(output)

    async def written(client: "AsyncClient") -> int:
        await write_outputs(client, await resolved(client, name), files)
        return 0

    return run("eval export", written)


@evals.command("cancel")
def cancel(name: Name) -> int:
    """Stop a run; what is done is kept."""
    from ._eval_show import cancel as cancel_run
    from ._session import run

    return run("eval cancel", lambda client: cancel_run(client, name))


@evals.command("resume")
def resume(
    name: Name = "latest",
    budget: Budget = 0,
    output: Output = None,
    detach: Detach = False,
    no_table: NoTable = False,
    as_json: Json = False,
) -> int:
    """Go on with a run that was stopped; cells with errors are run again."""
    if output and detach:
        raise InvalidInput("there is nothing to write yet: leave --output out", reason="USAGE")
    from ._eval_files import check_outputs
    from ._eval_run import Wanted
    from ._eval_show import resume as resume_run
    from ._session import run

    wanted = Wanted(check_outputs(output or ()), detach=detach, table=not no_table, as_json=as_json)
    return run("eval resume", lambda client: resume_run(client, name, budget, wanted))


@evals.command("delete")
def delete(name: Name) -> int:
    """Forget a run with its results and labels."""
    from ._eval_show import delete as delete_run
    from ._session import run

    return run("eval delete", lambda client: delete_run(client, name))


evals.command("label")(label)
evals.command("calibrate")(calibrate)
evals.add_typer(labels)
evals.add_typer(suites)
