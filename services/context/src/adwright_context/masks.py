"""Update masks (AIP-134, AIP-161) on resource content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, TypeAlias

from adwright_servicekit.errors import InvalidInput

from .kinds import Content

__all__ = ["ANY_KEY", "Schema", "updated"]

Schema: TypeAlias = "Mapping[str, Schema]"
"""Fields by name, a leaf without any; a map has the single field ANY_KEY."""

ANY_KEY: Final = "*"

_NOT_MASKABLE: Final = {
    "name": "names never change",
    "etag": "send the etag in the resource; it is no field to change",
    "create_time": "is set by the service",
    "update_time": "is set by the service",
    "delete_time": "is set by the service",
    "expire_time": "is set by the service",
}


def updated(schema: Schema, current: Content, wanted: Content, paths: Sequence[str]) -> Content:
    """`current` with the masked fields as `wanted` has them; a field it lacks is removed.

    No path: the fields that `wanted` sets. `*`: all. Raises InvalidInput that names a path there
    is not and lists those there are.
    """
    if list(paths) == ["*"]:
        return deepcopy(wanted)
    if not paths:
        return deepcopy({**current, **wanted})
    result = deepcopy(current)
    for path in paths:
        names = path.split(".")
        _check(schema, names, path)
        _copy(wanted, result, names)
    return result


def _check(schema: Schema, names: list[str], path: str) -> None:
    if names[0] in _NOT_MASKABLE:
        raise _refused(f"{path!r} cannot be masked: {_NOT_MASKABLE[names[0]]}")
    for depth, name in enumerate(names):
        inner = schema.get(name) or (schema.get(ANY_KEY) if name else None)
        if inner is None and name not in schema:
            where = ".".join(names[:depth])
            there = ", ".join(sorted(schema)) or "none, it is replaced as a whole"
            raise _refused(f"there is no field {path!r}; fields of {where or 'the resource'}: {there}")
        schema = inner or {}


def _copy(source: Mapping[str, Any], target: dict[str, Any], names: list[str]) -> None:
    *outer, last = names
    for name in outer:
        source = source.get(name, {})
        target = target.setdefault(name, {})
    if last in source:
        target[last] = deepcopy(source[last])
    else:
        target.pop(last, None)


def _refused(why: str) -> InvalidInput:
    return InvalidInput.of("update_mask", why, reason="UPDATE_MASK_INVALID")
