"""Is the output, or a part of it, JSON, XML, HTML or SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, Final
from xml.etree import ElementTree

from adwright_evaluator.model import JSON, Grading, Scorer, Verdict

from .common import clipped, holds, mapping_value, texts_value, wrong

__all__ = ["SCORERS"]

_MOST_STARTS: Final = 1000
_DIALECTS: Final = {"postgresql": "postgres", "transactsql": "tsql"}
_FENCED_SQL: Final = re.compile(r"```(?:sql)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_ELEMENT: Final = re.compile(r"<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?(?:/>|>.*</\1\s*>)", re.DOTALL)
_FORBIDDEN_XML: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_DOCUMENT: Final = re.compile(r"\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)
_TAGS: Final = frozenset(
    [
        *("a", "abbr", "article", "aside", "b", "blockquote", "body", "br", "button", "code", "div", "em", "footer"),
        *(
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "head",
            "header",
            "hr",
            "html",
            "i",
            "img",
            "input",
            "label",
            "li",
        ),
        *("link", "main", "meta", "nav", "ol", "p", "pre", "script", "section", "select", "small", "span", "strong"),
        *("style", "sub", "sup", "table", "tbody", "td", "textarea", "th", "thead", "title", "tr", "u", "ul", "video"),
    ]
)


def _is_json(grading: Grading) -> Verdict:
    if isinstance(grading.output, str):
        try:
            found = json.loads(grading.output)
        except ValueError as error:
            return holds(False, f"The output is no JSON: {error}.")
    else:
        found = grading.output
    return _of_schema(grading, found)


def _contains_json(grading: Grading) -> Verdict:
    problems: list[str] = []
    candidates = _json_parts(grading.text) if isinstance(grading.output, str) else iter([grading.output])
    for found in candidates:
        verdict = _of_schema(grading, found)
        if verdict.passed:
            return verdict
        problems.append(verdict.reason)
    return holds(False, problems[0] if problems else "There is no JSON in the output.")


def _json_parts(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at, tries = 0, 0
    while tries < _MOST_STARTS and (match := re.compile(r"[{\[]").search(text, at)):
        tries += 1
        try:
            found, at = decoder.raw_decode(text, match.start())
        except ValueError:
            at = match.start() + 1
        else:
            yield found


def _of_schema(grading: Grading, found: JSON) -> Verdict:
    schema = grading.assertion.value
    if schema is None:
        return holds(True, "")
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError:
            raise wrong(grading, "`value` must be a JSON Schema") from None
    error = _validator(json.dumps(schema, sort_keys=True)).problem(found)
    return holds(error is None, f"The JSON does not follow the schema: {clipped(error or '')}.")


class _Validator:
    def __init__(self, schema: str) -> None:
        from jsonschema.validators import validator_for

        loaded = json.loads(schema)
        self._validator: Any = validator_for(loaded)(loaded)

    def problem(self, found: JSON) -> str | None:
        from jsonschema.exceptions import SchemaError, best_match

        try:
            error = best_match(self._validator.iter_errors(found))
        except SchemaError as wrong_schema:
            return f"it is none ({wrong_schema.message})"
        return None if error is None else f"{error.json_path}: {error.message}"


@lru_cache(maxsize=256)
def _validator(schema: str) -> _Validator:
    return _Validator(schema)


def _is_xml(grading: Grading) -> Verdict:
    return _xml(grading, [grading.text.strip()])


def _contains_xml(grading: Grading) -> Verdict:
    return _xml(grading, [match[0] for match in _ELEMENT.finditer(grading.text)])


def _xml(grading: Grading, candidates: Sequence[str]) -> Verdict:
    wanted = _required(grading)
    problem = "There is no XML in the output."
    for text in candidates:
        try:
            if _FORBIDDEN_XML.search(text):
                raise ElementTree.ParseError("document types are not read")
            root = ElementTree.fromstring(text)  # noqa: S314 - no document type, so no entities
        except ElementTree.ParseError as error:
            problem = f"The output is no XML: {error}."
            continue
        missing = [path for path in wanted if not _has(root, path)]
        if not missing:
            return holds(True, "")
        problem = f"The XML has no {', '.join(missing)}."
    return holds(False, problem)


def _required(grading: Grading) -> list[str]:
    value = grading.assertion.value
    if value is None:
        return []
    if isinstance(value, Mapping):
        elements = value.get("requiredElements")
        return [str(each) for each in elements] if isinstance(elements, list) else []
    return texts_value(grading)


def _has(root: ElementTree.Element, path: str) -> bool:
    first, _, rest = path.partition(".")
    return root.tag == first and (not rest or root.find(rest.replace(".", "/")) is not None)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.outside = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.found:
            self.outside += data


def _is_html(grading: Grading) -> Verdict:
    text = grading.text.strip()
    tags = _tags(text)
    whole = bool(_DOCUMENT.match(text)) or (text.startswith("<") and text.endswith(">"))
    known = bool(tags) and any(tag in _TAGS for tag in tags)
    return holds(whole and known and not text.startswith("<?xml"), "The output is no HTML.")


def _contains_html(grading: Grading) -> Verdict:
    return holds(any(tag in _TAGS for tag in _tags(grading.text)), "There is no HTML in the output.")


def _tags(text: str) -> list[str]:
    parser = _Tags()
    parser.feed(text)
    return parser.found


def _is_sql(grading: Grading) -> Verdict:
    return _sql(grading, grading.text)


def _contains_sql(grading: Grading) -> Verdict:
    fenced = _FENCED_SQL.search(grading.text)
    return _sql(grading, fenced[1] if fenced else grading.text)


def _sql(grading: Grading, text: str) -> Verdict:
    import sqlglot
    from sqlglot import exp

    options = mapping_value(grading)
    dialect = str(options.get("databaseType") or options.get("database") or "mysql").lower()
    try:
        statements = sqlglot.parse(
            text, dialect={"postgresql": "postgres", "transactsql": "tsql"}.get(dialect, dialect)
        )
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        return holds(False, f"The output is no SQL: {clipped(str(error).splitlines()[0])}.")
    parsed = [each for each in statements if each is not None]
    if not parsed or any(isinstance(each, exp.Command | exp.Column | exp.Alias | exp.Identifier) for each in parsed):
        return holds(False, "The output is no SQL statement.")
    tables = {table.name for each in parsed for table in each.find_all(exp.Table)}
    columns = {column.name for each in parsed for column in each.find_all(exp.Column)}
    for name, found in (("allowedTables", tables), ("allowedColumns", columns)):
        allowed = options.get(name)
        if isinstance(allowed, list):
            names = {str(each).rpartition("::")[2] for each in allowed}
            if "*" not in names and not found <= names:
                return holds(False, f"The SQL uses {', '.join(sorted(found - names))}, which is not in {name}.")
    return holds(True, "")


SCORERS: Final[Mapping[str, Scorer]] = {
    "is-json": _is_json,
    "contains-json": _contains_json,
    "is-xml": _is_xml,
    "contains-xml": _contains_xml,
    "is-html": _is_html,
    "contains-html": _contains_html,
    "is-sql": _is_sql,
    "contains-sql": _contains_sql,
}
