"""The packaged encoder as what scorers make vectors with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Lock
from typing import Any

from adwright_encoder import PackagedEncoder, dequantized

__all__ = ["PackagedEmbedder"]


class PackagedEmbedder:
    """Vectors of the multilingual encoder that comes with adwright; its weights load at the first text."""

    def __init__(self) -> None:
        self._encoder: Any = None
        self._lock = Lock()

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, away from the event loop."""
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> list[list[float]]:
        with self._lock:
            if self._encoder is None:
                self._encoder = PackagedEncoder()
        return [dequantized(vector).tolist() for vector in self._encoder.encode_many(texts)]
