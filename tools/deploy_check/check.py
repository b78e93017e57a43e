"""The whole check as values: which combinations there are, and what was found in which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .facts import Facts
from .findings import Finding
from .matrix import Combination, Matrix
from .objects import Object, Render
from .own import made_of
from .policies import examine
from .render import Rendered, Renderer
from .schema import Schemas

__all__ = ["CombinationReport", "ManifestCheck", "grouped"]


@dataclass(slots=True)
class CombinationReport:
    """What was found in one combination."""

    combination: Combination
    findings: list[Finding] = field(default_factory=list)
    render: Render | None = None
    """None where kustomize refused it."""


class ManifestCheck:
    """Renders what the matrix allows, and holds it against schemas and policies."""

    def __init__(self, root: Path, command: list[str]) -> None:
        """`root` is the repository. Raises MatrixError and FactsError."""
        self.kustomize = root / "deploy" / "kustomize"
        self.matrix = Matrix.load(self.kustomize / "tests" / "matrix.yaml")
        self._facts = Facts.load(self.kustomize / "tests")
        self._schemas = [Schemas(version) for version in self.matrix.kubernetes]
        self._objects: dict[str, Object | None] = {}
        self._wrong: dict[str, tuple[Finding, ...]] = {}
        self._command = command
        self._renderer = Renderer(
            self.kustomize, command, root / "build" / "deploy-check" / "renders", [root / "deploy", root / "examples"]
        )

    def tree(self) -> list[Finding]:
        """Where the tree and the matrix differ."""
        return self.matrix.compare(self.kustomize)

    def run(self, combinations: Iterable[Combination]) -> list[CombinationReport]:
        """One report a combination."""
        reports = []
        for combination, rendered in self._renderer.all(combinations).items():
            inside = self.matrix.overlays[combination.overlay].contains
            overlay, components = combination.folder or combination.overlay, {*inside, *combination.components}
            reports.append(self._report(combination, rendered, overlay, components))
        return reports

    def own(self, folder: Path) -> CombinationReport:
        """Of an overlay that the matrix need not know, in any folder. Raises OverlayError."""
        overlay, components = made_of(folder, self.kustomize, self.matrix)
        combination = Combination(str(folder), folder=str(folder.resolve()))
        # Without the cache, which looks for changes in the repository alone.
        [rendered] = Renderer(self.kustomize, self._command).all([combination]).values()
        return self._report(combination, rendered, overlay, components)

    def _report(
        self, combination: Combination, rendered: Rendered, overlay: str, components: Iterable[str]
    ) -> CombinationReport:
        report = CombinationReport(combination)
        if rendered.error:
            report.findings.append(Finding("kustomize", "build", rendered.error, "correct it", "render"))
            return report
        texts = rendered.text.split("\n---\n")
        report.render = Render([thing for thing in map(self._object, texts) if thing], overlay, components)
        wrong = [finding for text in texts for finding in self._meets_schemas(text)]
        # Policies read what the schemas promise: of what is not even an object they have nothing to say.
        report.findings += list(dict.fromkeys(wrong)) or list(examine(report.render, self._facts))
        return report

    def _object(self, text: str) -> Object | None:
        # Most combinations have most documents in common: each is read once, and nobody changes it.
        if text not in self._objects:
            self._objects[text] = next(iter(Render.parse(text).objects), None)
        return self._objects[text]

    def _meets_schemas(self, text: str) -> tuple[Finding, ...]:
        if text not in self._wrong:
            thing = self._object(text)
            found = [finding for schemas in self._schemas for finding in schemas.check(thing)] if thing else []
            self._wrong[text] = tuple(found)
        return self._wrong[text]


def grouped(reports: Iterable[CombinationReport]) -> Mapping[Finding, list[Combination]]:
    """Each finding once, with where it was found; in the order in which it appeared first."""
    found: dict[Finding, list[Combination]] = {}
    for report in reports:
        for finding in report.findings:
            found.setdefault(finding, []).append(report.combination)
    return found
