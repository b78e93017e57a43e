"""What happened, minute by minute: a column for each burst."""

from collections.abc import Sequence
from pathlib import Path

from .simulation import Result

__all__ = ["plot"]

_PANELS = (
    ("requests a second", (("rate", "begin"),)),
    ("streams", (("batch", "at the model servers"), ("api", "at the API"), ("queue", "waiting at the servers"))),
    ("replicas", (("wanted", "wanted"), ("serving", "serving"))),
    ("spilled so far", (("spilled", "requests"),)),
    ("cost so far, USD", (("gpu usd", "GPU"), ("api usd", "API"))),
)


def plot(results: Sequence[Result], path: Path) -> None:
    """Writes an SVG. Raises ModuleNotFoundError where matplotlib is not installed."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures make the same file.
    mpl.rcParams |= {"svg.hashsalt": "adwright", "svg.fonttype": "none"}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(_PANELS), len(results), figsize=(5 * len(results), 11), sharex="col", squeeze=False
    )
    for column, result in enumerate(results):
        axes[0][column].set_title(result.burst.name)
        for row, (label, lines) in enumerate(_PANELS):
            panel = axes[row][column]
            for name, says in lines:
                series = result.series[name]
                step = "post" if name in ("wanted", "serving") else None
                panel.plot(
                    [at / 60 for at, _ in series],
                    [value for _, value in series],
                    label=says,
                    linewidth=1.2,
                    drawstyle=f"steps-{step}" if step else "default",
                )
            panel.grid(alpha=0.3)
            panel.set_ylim(bottom=0)
            if column == 0:
                panel.set_ylabel(label)
                panel.legend(fontsize="small", loc="best")
        axes[-1][column].set_xlabel("minutes")
    figure.align_ylabels(axes[:, 0])
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
