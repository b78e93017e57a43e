"""JavaScript of suites, run in an engine of its own: without files, network or time that it could waste.

The engine is QuickJS (quickjs-ng), one context a call, with bounds of time and memory.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from adwright_evaluator.model import JSON
from adwright_servicekit.errors import InvalidInput

__all__ = ["evaluate_javascript", "evaluate_module", "module_code"]

_MEMORY: Final = 64 * 1024 * 1024
_SECONDS: Final = 1.0
_DECLARES: Final = re.compile(r"(?:const|let|var)\s")
_RETURNS: Final = re.compile(r"\breturn\b")
_PENDING: Final = "pending"


def evaluate_javascript(code: str, names: Mapping[str, JSON]) -> JSON:
    """What an expression gives, or a body with `return`, where `names` are known. Raises InvalidInput."""
    body = code.strip().rstrip(";")
    if _RETURNS.search(body) and ("\n" in body or "return " in body or ";" in body):
        return _run(f"return (function() {{ {body}\n}})();", names)
    if _DECLARES.match(body):
        # As promptfoo: after declarations, the last expression is meant.
        return _run(f"return eval({json.dumps(body)});", names)
    return _run(f"return ({body}\n);", names)


def evaluate_module(source: str, function: str, names: Mapping[str, JSON]) -> JSON:
    """What the exported function of a CommonJS module gives for `output` and `context`. Raises InvalidInput."""
    return _run(module_code(source, function), names)


def module_code(source: str, function: str) -> str:
    """A body that gives what the exported function of a CommonJS module gives for `output` and `context`."""
    chosen = f"module.exports[{json.dumps(function)}]" if function else "module.exports.default || module.exports"
    begin = "const module = {exports: {}}; const exports = module.exports;"
    return f"{begin}\n{source}\n;return ({chosen})(output, context)"


def _run(body: str, names: Mapping[str, JSON]) -> JSON:
    import quickjs

    engine = quickjs.Context()
    engine.set_memory_limit(_MEMORY)
    engine.set_time_limit(_SECONDS)
    given = json.dumps(json.dumps(names, default=str))
    parameters = ", ".join(names)
    arguments = ", ".join(f"$[{json.dumps(name)}]" for name in names)
    program = f"""(function() {{
const $ = JSON.parse({given});
const said = (function({parameters}) {{ {body}
}})({arguments});
const text = value => value === undefined ? 'null' : JSON.stringify(value);
if (said === null || typeof said !== 'object' || typeof said.then !== 'function') return text(said);
said.then(value => {{ globalThis.$said = text(value); }}, error => {{ globalThis.$failed = String(error); }});
return '{_PENDING}'; }})()"""
    try:
        said = engine.eval(program)
        if said == _PENDING:
            said = _awaited(engine)
    except quickjs.JSException as error:
        message = str(error).splitlines()[0] if str(error) else "it failed"
        raise _failed(message) from None
    try:
        return _whole(json.loads(said)) if isinstance(said, str) else None
    except RecursionError:
        raise _failed("what it gives is nested too deeply") from None


def _awaited(engine: Any) -> str:
    """What a promise comes to."""
    until = time.monotonic() + _SECONDS
    while engine.execute_pending_job():
        if time.monotonic() > until:
            raise _failed("InternalError: interrupted")
    failed, said = engine.eval("globalThis.$failed"), engine.eval("globalThis.$said")
    if failed is not None:
        raise _failed(str(failed).splitlines()[0] if str(failed) else "it failed")
    if said is None:
        raise _failed("it gives a promise that is never kept")
    return str(said)


def _whole(value: Any) -> Any:
    """The same where half a letter (`'😀'.slice(0, 1)`) is U+FFFD, as Node writes it."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else value


def _failed(message: str) -> InvalidInput:
    return InvalidInput.of("javascript", message, reason="JAVASCRIPT_FAILED")
