"""Reads the part of a Dockerfile's language that ours use: instructions, continued lines, comments, stages.

Here-documents and parser directives are refused rather than misread.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Dockerfile", "Instruction", "Stage", "read"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """`RUN`, and what stands behind it in one line, without continuations and comments."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What stands behind it, split at blanks."""
        return self.text.split()

    @property
    def exec_form(self) -> list[str] | None:
        """The words of `["a", "b"]`; None where it is written for a shell."""
        try:
            words = json.loads(self.text)
        except ValueError:
            return None
        return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


@dataclass(slots=True)
class Stage:
    """What follows one FROM."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """Its instructions of one kind, in order."""
        return [found for found in self.instructions if found.name == name]

    def last(self, name: str) -> Instruction:
        """The one that holds. Raises LookupError where there is none."""
        found = self.all(name)
        if not found:
            raise LookupError(f"there is no {name} in stage {self.name or 'without a name'}")
        return found[-1]

    @property
    def environ(self) -> dict[str, str]:
        """What ENV sets, as it is written."""
        pairs = [word.partition("=") for found in self.all("ENV") for word in found.words]
        return {name: value for name, _, value in pairs}


@dataclass(slots=True)
class Dockerfile:
    """Arguments before the first FROM, and the stages."""

    arguments: dict[str, str]
    stages: list[Stage]

    @property
    def final(self) -> Stage:
        """The stage that becomes the image."""
        return self.stages[-1]


def read(path: Path) -> Dockerfile:
    """Raises ValueError where the file has no stage or says what is not understood here."""
    result = Dockerfile({}, [])
    for found in _instructions(path.read_text(encoding="utf-8")):
        if found.name == "FROM":
            base, *named = found.words
            result.stages.append(Stage(base, named[1] if named else ""))
        elif result.stages:
            result.stages[-1].instructions.append(found)
        elif found.name == "ARG":
            name, _, value = found.text.partition("=")
            result.arguments[name] = value
        else:
            raise ValueError(f"{path}: {found.name} stands before the first FROM")
    if not result.stages:
        raise ValueError(f"{path}: has no FROM")
    return result


def _instructions(text: str) -> list[Instruction]:
    found: list[Instruction] = []
    pending = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        pending = f"{pending} {stripped}" if pending else stripped
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip()
            continue
        name, _, rest = pending.partition(" ")
        if "<<" in rest:
            raise ValueError(f"here-documents are not understood: {pending}")
        found.append(Instruction(name.upper(), rest.strip()))
        pending = ""
    return found
