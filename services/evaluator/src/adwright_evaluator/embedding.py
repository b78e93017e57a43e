"""The encoder that comes with adwright, as an embedder: nothing is downloaded, nothing leaves the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adwright_encoder import Encoder, PackagedEncoder, dequantized

__all__ = ["PackagedEmbedder"]


class PackagedEmbedder:
    """Vectors of 512 numbers and length 1; zeros for an empty text. Its weights load at the first text, in 1 s."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        """`encoder` stands in for the packaged one."""
        self._encoder = encoder or PackagedEncoder()

    @property
    def version(self) -> str:
        """What made the vectors: those of different versions must not be compared."""
        return self._encoder.version

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, made in a thread so that the event loop stays free."""
        encoded = await asyncio.to_thread(self._encoder.encode_many, list(texts))
        return [dequantized(vector).tolist() for vector in encoded]
