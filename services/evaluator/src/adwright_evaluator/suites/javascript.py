"""JavaScript of suites, run in an engine of its own: without files, network or time that it could waste.

The engine is QuickJS (quickjs-ng), one context a call, with bounds of time and memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from adwright_evaluator.model import JSON
from adwright_servicekit.errors import InvalidInput

__all__ = ["evaluate_javascript", "evaluate_module"]

_MEMORY: Final = 64 * 1024 * 1024
_SECONDS: Final = 1.0


def evaluate_javascript(code: str, names: Mapping[str, JSON]) -> JSON:
    """What an expression gives, or a body with `return`, where `names` are known. Raises InvalidInput."""
    body = code.strip().rstrip(";")
    several = "\n" in body or "return " in body or ";" in body
    if several and "return" in body:
        return _run(f"return (function() {{ {body}\n}})();", names)
    return _run(f"return ({body}\n);", names)


def evaluate_module(source: str, function: str, names: Mapping[str, JSON]) -> JSON:
    """What the exported function of a CommonJS module gives for `output` and `context`. Raises InvalidInput."""
    chosen = f"module.exports[{json.dumps(function)}]" if function else "module.exports.default || module.exports"
    code = f"const module = {{exports: {{}}}}; const exports = module.exports;\n{source}\n"
    return _run(f"{code};return ({chosen})(output, context);", names)


def _run(body: str, names: Mapping[str, JSON]) -> JSON:
    import quickjs

    engine = quickjs.Context()
    engine.set_memory_limit(_MEMORY)
    engine.set_time_limit(_SECONDS)
    given = json.dumps(json.dumps(names, default=str))
    parameters = ", ".join(names)
    arguments = ", ".join(f"$[{json.dumps(name)}]" for name in names)
    program = (
        f"(function() {{ const $ = JSON.parse({given}); "
        f"const said = (function({parameters}) {{ {body}\n}})({arguments}); "
        "return said === undefined ? 'null' : JSON.stringify(said); })()"
    )
    try:
        said = engine.eval(program)
    except quickjs.JSException as error:
        message = str(error).splitlines()[0] if str(error) else "it failed"
        raise InvalidInput.of("javascript", message, reason="JAVASCRIPT_FAILED") from None
    return json.loads(said) if isinstance(said, str) else None
