"""`is-sql` and `contains-sql`: is the output SQL of a database, and does it use nothing but what it may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds, mapping_value, wrong

__all__ = ["SCORERS"]

_DIALECTS: Final = {
    "athena": "athena",
    "bigquery": "bigquery",
    "db2": "",
    "flinksql": "",
    "hive": "hive",
    "mariadb": "mysql",
    "mysql": "mysql",
    "noql": "",
    "postgresql": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
    "transactsql": "tsql",
    "trino": "trino",
}
"""promptfoo's names of databases, and sqlglot's; empty: SQL that is nobody's own."""
_FENCE: Final = re.compile(
    r"^[ \t]{0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?:sql)?[ \t]*\n(?P<body>.*?)^[ \t]{0,3}(?P=fence)[`~]*[ \t]*$",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_MODIFIERS: Final = frozenset({"ALL", "DISTINCT", "DISTINCTROW", "HIGH_PRIORITY", "STRAIGHT_JOIN", "TOP"})


def _is_sql(grading: Grading) -> Verdict:
    problem = _problem(grading, grading.text)
    return holds(problem is None, problem or "")


def _contains_sql(grading: Grading) -> Verdict:
    """In blocks of code that say `sql` or nothing; without one the whole output."""
    blocks = [match["body"] for match in _FENCE.finditer(grading.text.replace("\r\n", "\n"))]
    problem = "There is no SQL in the output."
    for text in blocks or [grading.text]:
        found = _problem(grading, text) if text.strip() else problem
        if found is None:
            return holds(True, "")
        problem = found
    return holds(False, problem)


def _problem(grading: Grading, text: str) -> str | None:
    options = mapping_value(grading)
    database = str(options.get("databaseType") or "MySQL")
    dialect = _DIALECTS.get(database.lower())
    if dialect is None:
        raise wrong(grading, f"`databaseType` {database!r} is not known: there are {', '.join(_DIALECTS)}")
    allowed = [(name, _allowed(grading, name)) for name in ("allowedTables", "allowedColumns")]
    problem, tables, columns = _looked_at(text, dialect)
    if problem:
        return f"The output is no SQL of {database}: {clipped(problem)}."
    for (name, patterns), used in zip(allowed, (tables, columns), strict=True):
        refused = [each for each in used if patterns and not any(_allows(pattern, each) for pattern in patterns)]
        if refused:
            return f"The SQL uses {clipped(', '.join(refused))}, which is not in {name}."
    return None


def _allowed(grading: Grading, name: str) -> list[str]:
    given = mapping_value(grading).get(name)
    if given is None:
        return []
    if not isinstance(given, list):
        raise wrong(grading, f"`{name}` must be a list, of texts like select::null::users")
    patterns = [str(each) for each in given]
    if name == "allowedColumns":
        # A column that is named without its table is allowed with any.
        patterns += [re.sub(r"^([^:]*)::.*::", r"\1::null::", each) for each in patterns]
    return patterns


def _allows(pattern: str, used: str) -> bool:
    try:
        return re.fullmatch(pattern, used, re.IGNORECASE) is not None
    except re.error:
        return pattern.lower() == used.lower()


@lru_cache(maxsize=256)
def _looked_at(text: str, dialect: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What is wrong, and the tables and columns in use as `action::database::name` and `action::table::name`."""
    import logging

    import sqlglot
    from sqlglot import exp

    # It warns of every statement that it does not know, which is an answer here.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        parsed = [each for each in sqlglot.parse(text, dialect=dialect or None) if each is not None]
        tokens = sqlglot.tokenize(text, dialect=dialect or None)
    except (sqlglot.errors.SqlglotError, ValueError, RecursionError) as error:
        return str(error).splitlines()[0], (), ()
    statement = exp.Query | exp.DML | exp.DDL | exp.Drop | exp.Alter | exp.Use | exp.Set | exp.Show | exp.Describe
    if not parsed or not all(isinstance(each, statement | exp.TruncateTable | exp.Transaction) for each in parsed):
        return "there is no statement", (), ()
    if any(isinstance(each, exp.Select) and not each.expressions for each in parsed):
        return "SELECT without columns", (), ()
    if _comma_missing(tokens):
        return "a comma seems to be missing between two columns", (), ()
    if dialect == "mysql" and re.search(r"\bgenerate_series\s*\(", text, re.IGNORECASE):
        return "generate_series is not known there", (), ()
    tables = dict.fromkeys(use for each in parsed for use in _tables(each, exp))
    columns = dict.fromkeys(use for each in parsed for use in _columns(each, exp))
    return "", tuple(tables), tuple(columns)


def _tables(statement: Any, exp: Any) -> Iterator[str]:
    named = {each.alias_or_name for each in statement.find_all(exp.CTE)}
    target = statement.this.find(exp.Table) if not isinstance(statement, exp.Query) and statement.this else None
    for table in statement.find_all(exp.Table):
        action = statement.key if table is target else "select"
        if table.name not in named or table is target:
            yield f"{action}::{table.db or 'null'}::{table.name}"


def _columns(statement: Any, exp: Any) -> Iterator[str]:
    names = {table.alias_or_name: table.name for table in statement.find_all(exp.Table)}
    written = statement.this if isinstance(statement, exp.Insert) else None
    if isinstance(written, exp.Schema):
        table = written.this.name
        yield from (f"insert::{table}::{column.name}" for column in written.expressions)
    for star in statement.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count | exp.Column):
            yield "select::null::(.*)"
    if isinstance(statement, exp.Delete):
        yield f"delete::{statement.this.name}::(.*)"
    for column in statement.find_all(exp.Column):
        assigned = isinstance(column.parent, exp.EQ) and column.parent.parent is statement and column.arg_key == "this"
        action = "update" if assigned and isinstance(statement, exp.Update) else "select"
        name = "(.*)" if isinstance(column.this, exp.Star) else column.name
        yield f"{action}::{names.get(column.table, column.table) or 'null'}::{name}"


def _comma_missing(tokens: list[Any]) -> bool:
    """`SELECT a b FROM`: SQL reads b as another name of a, who wrote it hardly meant that."""
    kinds = [token.token_type.name for token in tokens]
    for start, kind in enumerate(kinds):
        if kind == "SELECT":
            at = start + 1
            while at < len(tokens) and tokens[at].text.upper() in _MODIFIERS:
                at += 1
            if kinds[at : at + 3] == ["VAR", "VAR", "FROM"]:
                return True
    return False


SCORERS: Final[Mapping[str, Scorer]] = {"is-sql": _is_sql, "contains-sql": _contains_sql}
