"""Files of a suite as texts that fit into items of a store."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["from_pieces", "to_pieces"]

_PIECE: Final = 250_000


def to_pieces(files: Mapping[str, bytes]) -> list[str]:
    """The files by path, compressed, in order."""
    packed = json.dumps({path: base64.b64encode(data).decode() for path, data in files.items()}).encode()
    text = base64.b64encode(zlib.compress(packed, 6)).decode()
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def from_pieces(pieces: Iterable[str]) -> dict[str, bytes]:
    """The files that the pieces were made of."""
    packed = json.loads(zlib.decompress(base64.b64decode("".join(pieces))))
    return {path: base64.b64decode(data) for path, data in packed.items()}
