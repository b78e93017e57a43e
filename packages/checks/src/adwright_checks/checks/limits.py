"""Counts and lengths, as the format sets them."""

from collections.abc import Iterator

from adwright_checks.formats import FormatField
from adwright_checks.lengths import text_length
from adwright_checks.model import Finding, Outcome, Subject

__all__ = ["Limits"]


class Limits:
    """Every text is there, none is empty, none is longer than the platform accepts."""

    name = "limits"
    description = "Counts and lengths of the texts are within the limits of the format."
    required = True

    def __call__(self, subject: Subject) -> list[Finding]:
        """One FAILED finding for each offending path, missing ones included, or one PASSED."""
        findings = [
            Finding(self.name, path, Outcome.FAILED, 0.0, message, self.required)
            for path, message in self._problems(subject)
        ]
        return findings or [
            Finding(
                self.name,
                "",
                Outcome.PASSED,
                1.0,
                "All texts are within their limits.",
                self.required,
            )
        ]

    def _problems(self, subject: Subject) -> Iterator[tuple[str, str]]:
        seen: dict[str, int] = {}
        paths: set[str] = set()
        for text in subject.fields:
            field = subject.format.field_for(text.path)
            if field is None:
                known = ", ".join(item.path(0) for item in subject.format.fields)
                yield text.path, f"{subject.format.name} has no {text.path}: it has {known}."
                continue
            if text.path in paths:
                yield text.path, f"{text.path} is there twice."
                continue
            paths.add(text.path)
            seen[field.id] = seen.get(field.id, 0) + 1
            if seen[field.id] > field.max_count:
                yield (
                    text.path,
                    f"One {field.id} too many: {subject.format.name} takes {field.max_count}.",
                )
            elif not text.text.strip():
                yield text.path, f"{text.path} is empty."
            elif problem := _too_long(text.text, field):
                yield text.path, f"{text.path} {problem}"
        for field in subject.format.fields:
            yield from _missing(field, paths, seen.get(field.id, 0))


def _too_long(text: str, field: FormatField) -> str:
    length = text_length(text, field.counting)
    if not field.max_length or length <= field.max_length:
        return ""
    return f"has {length} characters, {length - field.max_length} over the limit of {field.max_length}."


def _missing(field: FormatField, paths: set[str], count: int) -> Iterator[tuple[str, str]]:
    absent = (path for index in range(field.max_count) if (path := field.path(index)) not in paths)
    for path, _ in zip(absent, range(field.min_count - count), strict=False):
        yield (
            path,
            f"{path} is missing: {field.min_count} {field.id} are needed, there are {count}.",
        )
