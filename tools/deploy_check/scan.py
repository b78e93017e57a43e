"""Scanners that others keep: checkov for manifests, Dockerfiles and Terraform, hadolint for Dockerfiles. Offline."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .findings import Finding
from .objects import Object, Render
from .tooling import Scanners, ToolFailed, run

__all__ = ["Exceptions", "ScanError", "checkov", "cover", "hadolint"]

_FILE = "deploy/scanners.yaml"
_GUIDE = "correct it, or say in deploy/scanners.yaml why it is right"


class ScanError(Exception):
    """The list of exceptions cannot be read. The text is one line."""


class _Exception(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str
    where: str = "*"
    """A pattern of `Kind/name`, of a resource's address or of a path, with * for anything."""
    reason: str


class Exceptions:
    """What a scanner says and what is right all the same, one by one, each with its reason."""

    def __init__(self, entries: Iterable[_Exception] = ()) -> None:
        self._entries = list(entries)
        self._used: set[_Exception] = set()

    @classmethod
    def load(cls, path: Path) -> "Exceptions":
        """Raises ScanError."""
        try:
            return cls(TypeAdapter(list[_Exception]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except OSError as error:
            raise ScanError(f"{_FILE}: cannot be read: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors()[0]
            raise ScanError(f"{_FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None

    def apply(self, findings: Iterable[Finding]) -> list[Finding]:
        """Those that no entry excuses."""
        return [finding for finding in findings if not self._excused(finding)]

    def _excused(self, finding: Finding) -> bool:
        fitting = [one for one in self._entries if one.check == finding.field and fnmatchcase(finding.where, one.where)]
        self._used.update(fitting)
        return bool(fitting)

    def stale(self) -> list[Finding]:
        """Entries that excused nothing: what they spoke of is gone."""
        return [
            Finding(_FILE, one.check, f"excuses nothing any more ({one.where})", "remove it", "scanners")
            for one in self._entries
            if one not in self._used
        ]


def cover(renders: Mapping[str, Render]) -> dict[str, Render]:
    """Every different object of all renders once, in few of them: what is in one has not to be scanned in another."""
    contents = {name: {_key(thing): thing for thing in render.objects} for name, render in renders.items()}
    missing = {key for things in contents.values() for key in things}
    chosen: dict[str, Render] = {}
    while missing:
        best = max(contents, key=lambda name: len(contents[name].keys() & missing))
        chosen[best] = Render([thing for key, thing in contents[best].items() if key in missing])
        missing -= contents[best].keys()
    return chosen


def _key(thing: Object) -> str:
    return json.dumps(thing, sort_keys=True, default=str)


def checkov(scanners: Scanners, framework: str, folder: Path) -> list[Finding]:
    """What fails in a folder, by checkov's rules for `kubernetes`, `dockerfile` or `terraform`. Raises ToolFailed."""
    flags = ["--framework", framework, "--skip-download", "--quiet", "--compact", "--output", "json"]
    # It asks a service of its maker for severities when it is let.
    environ = {**os.environ, "LOG_LEVEL": "ERROR", "BC_SKIP_MAPPING": "TRUE"}
    output = run([scanners.program("checkov"), *flags, "--directory", folder], env=environ)
    try:
        answer = json.loads(output)
    except json.JSONDecodeError:
        raise ToolFailed(f"checkov: said something else than JSON: {output[:200]}") from None
    reports = answer if isinstance(answer, list) else [answer]
    if not any(_found_something(report) for report in reports):
        raise ToolFailed(f"checkov: found nothing to check as {framework} in {folder}")
    found = [one for report in reports for one in report.get("results", {}).get("failed_checks", ())]
    found += [
        {"check_id": "parsing", "check_name": "cannot be read", "resource": file, "file_path": file}
        for report in reports
        for file in report.get("results", {}).get("parsing_errors", ())
    ]
    return sorted(
        {
            Finding(_place(framework, one), one["check_id"], one["check_name"], _GUIDE, f"checkov {framework}")
            for one in found
        }
    )


def _found_something(report: Mapping[str, Any]) -> bool:
    summary = report.get("summary", report)
    return bool(summary.get("passed") or summary.get("failed") or summary.get("parsing_errors"))


def _place(framework: str, found: Mapping[str, str]) -> str:
    if framework == "dockerfile":
        return found["file_path"].lstrip("/")
    if framework == "kubernetes":
        # Names that kustomize made carry a hash, which no entry should have to follow.
        kind, _, name = re.sub(r"-[0-9a-z]{10}$", "", found["resource"]).partition(".")
        return f"{kind}/{name.rpartition('.')[2] or name}"
    return found["resource"]


def hadolint(scanners: Scanners, files: Iterable[Path], root: Path) -> list[Finding]:
    """What hadolint says of Dockerfiles. Raises ToolFailed."""
    names = [file.relative_to(root) for file in files]
    output = run([scanners.program("hadolint"), "--format", "json", "--no-color", *names], cwd=root)
    return [
        Finding(str(one["file"]), one["code"], f"line {one['line']}: {one['message']}", _GUIDE, "hadolint")
        for one in json.loads(output)
    ]
