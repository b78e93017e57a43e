"""What `make deploy-check` prints, and its exit code: 0 all well, 1 findings, 2 something needed is missing or wrong.

make itself ends with 2 for either; `.venv/bin/python -m tools.deploy_check` tells them apart.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec

import yaml

from .check import CombinationReport, ManifestCheck, grouped
from .facts import FactsError
from .findings import Finding
from .matrix import MatrixError
from .own import OverlayError
from .render import kustomize_command
from .scan import Exceptions, ScanError, checkov, cover, hadolint
from .terraform import check_terraform
from .tooling import Scanners, Skipped, ToolFailed

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]
_NO_KUBECTL = (
    "deploy-check: kubectl: is not installed, and nothing can be rendered without it; "
    "install kubectl (kubernetes.io/docs/tasks/tools) or kustomize and put it on the PATH"
)
P = ParamSpec("P")
Outcome = tuple[list[Finding], list[Skipped]]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make deploy-check", description=__doc__)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--only", metavar="TEXT", default="", help="combinations whose name contains this; no scanners")
    chosen.add_argument(
        "--overlay",
        metavar="PATH",
        type=Path,
        help="an overlay of your own alone, in any folder; no matrix, no scanners",
    )
    options = parser.parse_args(arguments)
    command = kustomize_command()
    if command is None:
        print(_NO_KUBECTL, file=sys.stderr)
        return 2
    begun = time.monotonic()
    try:
        manifests = ManifestCheck(root, command)
        exceptions = Exceptions.load(root / "deploy" / "scanners.yaml")
    except (MatrixError, FactsError, ScanError) as error:
        print(f"deploy-check: {error}", file=sys.stderr)
        return 2
    combinations = [one for one in manifests.matrix.combinations() if options.only in str(one)]
    if not combinations:
        print(
            f"deploy-check: --only: no combination contains '{options.only}'; without it all are shown", file=sys.stderr
        )
        return 2
    try:
        reports = [manifests.own(options.overlay)] if options.overlay else manifests.run(combinations)
    except OverlayError as error:
        print(f"deploy-check: --overlay: {error}", file=sys.stderr)
        return 2
    _show_combinations(reports)
    findings, skipped = ([], []) if options.only or options.overlay else _others(root, reports, exceptions)
    findings = [*([] if options.overlay else manifests.tree()), *findings]
    for finding, where in grouped(reports).items():
        more = f" (and {len(where) - 1} more)" if len(where) > 1 else ""
        print(f"{where[0]}{more}: {finding.line()}")
    for finding in findings:
        print(finding.line())
    for one in skipped:
        print(f"skipped: {one.what}: {one.why}; {one.remedy}")
    failed = sum(bool(report.findings) for report in reports)
    wrong = len(grouped(reports)) + len(findings)
    print(
        f"\n{len(reports)} combinations, {failed} failed; {wrong} findings, {len(skipped)} checks skipped; "
        f"{time.monotonic() - begun:.0f} s"
    )
    return 1 if wrong else 0


def _show_combinations(reports: Iterable[CombinationReport]) -> None:
    for report in reports:
        objects = f"{len(report.render.objects):3} objects" if report.render else "not rendered"
        state = f"{len(report.findings)} findings" if report.findings else "ok"
        print(f"  {state:12} {objects}  {report.combination}")
    print()


def _others(root: Path, reports: list[CombinationReport], exceptions: Exceptions) -> Outcome:
    """Scanners and Terraform, side by side."""
    scanners = Scanners(root)
    missing = scanners.install()
    with ThreadPoolExecutor(2) as pool:
        work: list[Future[Outcome]] = [pool.submit(_terraform, root)]
        if missing is None:
            folder = _write_renders(root, reports)
            work += [
                pool.submit(_scanned, checkov, scanners, "kubernetes", folder),
                pool.submit(_scanned, checkov, scanners, "dockerfile", root / "services"),
                pool.submit(_scanned, checkov, scanners, "terraform", root / "deploy" / "terraform"),
                pool.submit(_scanned, hadolint, scanners, sorted((root / "services").glob("*/Dockerfile")), root),
            ]
        outcomes = [one.result() for one in work]
    skipped = [*filter(None, [missing]), *(one for outcome in outcomes for one in outcome[1])]
    findings = exceptions.apply(finding for outcome in outcomes for finding in outcome[0])
    # What a scanner that did not run would have used is not stale.
    return findings + ([] if missing else exceptions.stale()), skipped


def _scanned(scan: Callable[P, list[Finding]], *arguments: P.args, **named: P.kwargs) -> Outcome:
    try:
        return scan(*arguments, **named), []
    except ToolFailed as error:
        name = scan.__name__
        return [Finding(name, "scan", str(error), "try it by hand, it is in build/scanners/bin", name)], []


def _terraform(root: Path) -> Outcome:
    found = list(check_terraform(root / "deploy" / "terraform"))
    return [one for one in found if isinstance(one, Finding)], [one for one in found if isinstance(one, Skipped)]


def _write_renders(root: Path, reports: Iterable[CombinationReport]) -> Path:
    """Few combinations that together have every object, as files."""
    folder = root / "build" / "deploy-check" / "scanned"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    renders = {str(report.combination): report.render for report in reports if report.render}
    for name, render in cover(renders).items():
        with (folder / f"{name.replace(' + ', '--')}.yaml").open("w", encoding="utf-8") as file:
            yaml.safe_dump_all(render.objects, file, sort_keys=False)
    return folder
