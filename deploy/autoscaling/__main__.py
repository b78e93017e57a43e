"""`python -m deploy.autoscaling`: replays bursts against the manifests, and says what the numbers in them do."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console
from rich.table import Table

from .bursts import BURSTS, Burst
from .inputs import Inputs, InputsError
from .manifests import ScaledObject, Serving
from .plot import plot
from .report import show, summary
from .simulation import simulate
from .sweep import Tried, swept

_BUILD = Path("build")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m deploy.autoscaling", description=__doc__)
    names = ", ".join(burst.name for burst in BURSTS)
    parser.add_argument(
        "--burst", action="append", metavar="NAME|FILE.csv", help=f"{names}, or your own (default: all)"
    )
    parser.add_argument("--inputs", type=Path, metavar="FILE", help="other numbers than those of inputs.yaml")
    parser.add_argument(
        "--scaled-object", type=Path, metavar="FILE", help="other manifest than autoscaling-tgi/tgi.yaml"
    )
    parser.add_argument("--no-sweep", action="store_true", help="the chosen numbers alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=_BUILD, metavar="FOLDER", help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        inputs = Inputs.load(options.inputs) if options.inputs else Inputs.load()
        scaled = ScaledObject.load(options.scaled_object) if options.scaled_object else ScaledObject.load()
        _run(options, [_burst(name) for name in options.burst or ()] or list(BURSTS), inputs, scaled, Serving.load())
    except InputsError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 2
    return 0


def _run(
    options: argparse.Namespace, bursts: Sequence[Burst], inputs: Inputs, scaled: ScaledObject, serving: Serving
) -> None:
    # First of all: nobody should wait for minutes to hear that it cannot be kept.
    _writable(options.output)
    console = Console()
    results = [simulate(burst, inputs, scaled, serving, seed=options.seed) for burst in bursts]
    show(results, console)
    tried: list[Tried] = []
    if not options.no_sweep:
        tried = list(swept(bursts, inputs, (scaled, serving), options.seed))
        _show_swept(tried, bursts, console)
    said = {
        "inputs": asdict(inputs),
        "scaled_object": asdict(scaled),
        "serving": asdict(serving),
        "bursts": {r.burst.name: {"summary": summary(r), "series": _rounded(r.series)} for r in results},
        "sweep": [asdict(each) for each in tried],
    }
    written = [options.output / "autoscaling.json"]
    written[0].write_text(json.dumps(said, indent=1) + "\n")
    try:
        plot(results, options.output / "autoscaling.svg")
        written.append(options.output / "autoscaling.svg")
    except ModuleNotFoundError:
        console.print("no plot: matplotlib is not installed")
    console.print(f"wrote {' and '.join(map(str, written))}")


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputsError(f"--output {folder}: cannot be written to: {error.strerror}; name another folder") from None


def _rounded(series: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    return {name: [(round(at), round(value, 4)) for at, value in points] for name, points in series.items()}


def _burst(name: str) -> Burst:
    for burst in BURSTS:
        if burst.name == name:
            return burst
    if not name.endswith(".csv"):
        raise InputsError(f"--burst {name}: there are {', '.join(b.name for b in BURSTS)}; or name a CSV file")
    return Burst.load(Path(name))


def _show_swept(tried: Sequence[Tried], bursts: Sequence[Burst], console: Console) -> None:
    title = "one number changed at a time: first token p95, spilled, USD a thousand; ◂ is what the manifests say"
    table = Table("", "", *(burst.name for burst in bursts), title=title)
    before = ""
    for each in tried:
        cells = [
            f"{f['first_token_p95']:.2f} s, {f['spilled']:.0%}, {f['usd_a_thousand']:.2f}"
            for f in (each.figures[burst.name] for burst in bursts)
        ]
        label = "" if each.knob == before else each.knob
        table.add_row(label, f"{each.value:g}{' ◂' if each.chosen else ''}", *cells)
        before = each.knob
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
