"""The comments of the public protos as JSON, by full name: what `/docs` says of methods, messages and fields."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2 as pb

# Where each kind of declaration stands: field number in its parent, and the attribute that holds it.
_IN_FILE = ((4, "message_type"), (5, "enum_type"), (6, "service"))
_IN_MESSAGE = ((2, "field"), (3, "nested_type"), (4, "enum_type"))
_IN_ENUM = ((2, "value"),)
_IN_SERVICE = ((2, "method"),)
_PARTS: dict[type, Sequence[tuple[int, str]]] = {
    pb.FileDescriptorProto: _IN_FILE,
    pb.DescriptorProto: _IN_MESSAGE,
    pb.EnumDescriptorProto: _IN_ENUM,
    pb.ServiceDescriptorProto: _IN_SERVICE,
}


def comments(file: pb.FileDescriptorProto) -> dict[str, str]:
    """Each declaration's comment, without line ends inside of a paragraph."""
    said = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    return {
        name: "\n\n".join(" ".join(paragraph.split()) for paragraph in said[path].strip().split("\n\n"))
        for path, name in _declared(file, file.package, ())
        if said.get(path)
    }


def _declared(parent: Any, name: str, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
    for number, attribute in _PARTS.get(type(parent), ()):
        for index, child in enumerate(getattr(parent, attribute)):
            place, full = (*path, number, index), f"{name}.{child.name}"
            yield place, full
            yield from _declared(child, full, place)


def main(descriptors: str, out: str) -> None:
    """Reads a FileDescriptorSet with source info, writes the comments."""
    files = pb.FileDescriptorSet.FromString(Path(descriptors).read_bytes()).file
    found = {name: text for file in files for name, text in comments(file).items()}
    Path(out).write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
