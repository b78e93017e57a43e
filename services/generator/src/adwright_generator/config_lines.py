"""YAML that knows its lines, so that a mistake in a configuration file can be shown where it is."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

__all__ = ["LocatedYaml", "YamlMistake", "read_yaml"]

_MAX_NODES = 20_000
"""Keys and values, those behind aliases counted wherever they are used: a few lines can otherwise mean billions."""
_TOO_MANY = f"more than {_MAX_NODES} keys and values, those behind aliases included"
_MAX_SHOWN = 60
_MERGE = "tag:yaml.org,2002:merge"

_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a known key",
    "model_type": "expected keys and values",
    "model_attributes_type": "expected keys and values",
    "dict_type": "expected keys and values",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
}
"""Instead of pydantic's, which speak of Python."""


class YamlMistake(Exception):
    """What is wrong, in one line of text, and the number of the line where, which counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class LocatedYaml:
    """The data of a YAML text, and where in the text they are."""

    def __init__(self, data: Any, root: yaml.Node | None) -> None:
        self.data = data
        self._root = root

    def line(self, *path: int | str) -> int:
        """Where the value at `path` starts; where there is none, the innermost value around it."""
        return self._find(path)[0]

    def mistake(self, error: ValidationError) -> YamlMistake:
        """The mistake that comes first in the text, of those that pydantic found in `data`."""
        details = error.errors(include_url=False, include_input=False)
        # A list counts only the items that are right, and is then found too short for what is wrong inside of it.
        inner = [d for d in details if not any(_inside(other["loc"], d["loc"]) for other in details)]
        return min(map(self._describe, inner), key=lambda mistake: mistake.line)

    def _describe(self, detail: Mapping[str, Any]) -> YamlMistake:
        kind, location, context = detail["type"], detail["loc"], detail.get("ctx", {})
        message = _MESSAGES.get(kind) or detail["msg"].removeprefix("Value error, ")
        if kind.startswith("union_tag_"):
            # Pydantic finds fault with the whole entry; what is wrong is the key that tells its kind.
            location = (*location, context["discriminator"].strip("'"))
            message = _MESSAGES["missing"]
            if kind == "union_tag_invalid":
                message = f"there is no {_shown(context['tag'])}; there are {context['expected_tags']}"
        missing = message is _MESSAGES["missing"]
        line, where = self._find(location, of_key=kind == "extra_forbidden", missing=missing)
        return YamlMistake(line, f"{where or 'the file'}: {_one_line(message)}")

    def _find(self, path: Sequence[int | str], *, of_key: bool = False, missing: bool = False) -> tuple[int, str]:
        """The line and the name of the value (or of the key, which may be lines above) at `path`."""
        node, where = self._root, ""
        line = _line(node)
        for place, part in enumerate(path):
            key, child = _child(node, part)
            if child is not None:
                node = child
                line = _line(key if of_key and key is not None else child)
            elif not missing or place < len(path) - 1:
                # Which alternative of a union pydantic tried; the text has no such key.
                continue
            if isinstance(part, int):
                where += f"[{part}]"
            else:
                name = part if re.fullmatch(r"[\w-]{1,60}", part) else _shown(part)
                where += f".{name}" if where else name
        return line, where


def read_yaml(text: str) -> LocatedYaml:
    """Reads one YAML document of plain data; for none at all the data are None.

    Raises YamlMistake also for what YAML lets pass but nobody means: a key that is there twice, a key that is no text,
    or aliases that make far more of a text than it shows.
    """
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return LocatedYaml(None, None)
        _Inspection(loader).visit(root, ())
        return LocatedYaml(loader.construct_document(root), root)
    except yaml.YAMLError as error:
        raise _syntax_mistake(error, text) from None
    except RecursionError:
        raise YamlMistake(loader.line + 1 if loader else 1, "is nested too deeply") from None
    finally:
        if loader is not None:
            loader.dispose()


class _Loader(yaml.SafeLoader):
    """Gives up on a long text where it gets too long: all of it could take ten seconds."""

    _nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise YamlMistake(self.line + 1, _TOO_MANY)
        return super().compose_node(parent, index)


class _Inspection:
    """Looks at every node once for every place where it is used, before anything is made of it."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._left = _MAX_NODES

    def visit(self, node: yaml.Node, above: tuple[int, ...]) -> None:
        self._left -= 1
        if self._left < 0:
            raise YamlMistake(_line(node), _TOO_MANY)
        if id(node) in above:
            raise YamlMistake(_line(node), "an alias stands inside of what it stands for")
        if isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, above)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self.visit(item, (*above, id(node)))
        else:
            self._construct(node)

    def _visit_mapping(self, node: yaml.MappingNode, above: tuple[int, ...]) -> None:
        lines: dict[str, int] = {}
        for key, value in node.value:
            name = "<<" if key.tag == _MERGE else self._key(key)
            if name in lines:
                raise YamlMistake(
                    _line(key), f"the key {_shown(name)} is there twice; the first is on line {lines[name]}"
                )
            lines[name] = _line(key)
            self.visit(value, (*above, id(node)))

    def _key(self, key: yaml.Node) -> str:
        name = self._construct(key) if isinstance(key, yaml.ScalarNode) else None
        if not isinstance(name, str):
            raise YamlMistake(_line(key), "a key that is no text; put it in quotes")
        self._left -= 1
        return name

    def _construct(self, node: yaml.Node) -> Any:
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError):
            # What the library raises for `2026-02-31` or `!!int x`.
            raise YamlMistake(_line(node), "not a value of its YAML type; put text in quotes") from None


def _inside(location: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The key, where there is one, and the value of an item of `node`."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    if isinstance(node, yaml.MappingNode):
        # From behind: merged keys have been put in front of those that replace them.
        return next(((key, value) for key, value in reversed(node.value) if key.value == part), (None, None))
    return None, None


def _line(node: yaml.Node | None) -> int:
    return int(node.start_mark.line) + 1 if node is not None else 1


def _syntax_mistake(error: yaml.YAMLError, text: str) -> YamlMistake:
    if isinstance(error, yaml.reader.ReaderError):
        return YamlMistake(text.count("\n", 0, error.position) + 1, "a character that YAML does not allow")
    if not isinstance(error, yaml.MarkedYAMLError):
        return YamlMistake(1, "cannot be read as YAML")
    why = ", ".join(filter(None, (error.context, error.problem)))
    if isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
        # They quote names of tags and aliases: a password that starts with ! or * and should have been in quotes.
        why = re.sub(r""" ?('[^']*'|"[^"]*")""", "", why)
    mark = error.problem_mark or error.context_mark
    return YamlMistake(mark.line + 1 if mark else 1, _one_line(f"cannot be read as YAML: {why}"))


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…", ensure_ascii=not text.isprintable())


def _one_line(text: str) -> str:
    return " ".join(text.split())
