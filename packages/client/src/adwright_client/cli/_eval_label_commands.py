"""`adwright eval label|labels|calibrate`."""

from typing import Annotated

import typer

from ._options import Json

__all__ = ["calibrate", "label", "labels"]

labels = typer.Typer(name="labels", help="What people said of outputs, as files.")

Name = Annotated[str, typer.Argument(help="The run's id, `latest` or `previous`.", metavar="RUN")]


def label(
    name: Name = "latest",
    labeler: Annotated[
        str, typer.Option("--labeler", help="Who you are. Default: your user name.", metavar="NAME")
    ] = "",
    metric: Annotated[str, typer.Option("--metric", help="What you look at. Default: the whole.", metavar="NAME")] = "",
) -> int:
    """Say of each output whether it is good, without seeing whose it is; goes on where you stopped."""
    from ._eval_label import label_in_terminal
    from ._session import run

    return run("eval label", lambda client: label_in_terminal(client, name, labeler, metric))


@labels.command("export")
def export_all(
    name: Name,
    output: Annotated[str, typer.Option("--output", "-o", help="A .csv or .jsonl file.", metavar="FILE")],
) -> int:
    """Write the labels of a run into a file."""
    from ._eval_label_files import export_labels
    from ._session import run

    return run("eval labels export", lambda client: export_labels(client, name, output))


@labels.command("import")
def import_all(
    name: Name,
    file: Annotated[
        str,
        typer.Argument(
            help="A .csv or .jsonl file; its columns are those that `export` writes, and cells count from 0.",
            metavar="FILE",
        ),
    ],
) -> int:
    """Read labels of a run from a file; nothing is written where a row is wrong."""
    from ._eval_label_files import import_labels
    from ._session import run

    return run("eval labels import", lambda client: import_labels(client, name, file))


def calibrate(
    name: Name = "latest",
    metric: Annotated[
        str, typer.Option("--metric", help="A metric, or llm-rubric. Default: the cell's score.", metavar="NAME")
    ] = "",
    as_json: Json = False,
) -> int:
    """Hold a judge's scores against people's labels."""
    from ._eval_show import show_calibration
    from ._session import run

    return run("eval calibrate", lambda client: show_calibration(client, name, metric, as_json=as_json), timeout=300)
