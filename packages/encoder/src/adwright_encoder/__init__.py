"""Texts as vectors of their meaning, for every service that compares texts."""

from adwright_encoder.encoder import (
    DIMENSIONS,
    UNDERSTOOD,
    CachedEncoder,
    Encoder,
    PackagedEncoder,
    dequantized,
    quantized,
)

__all__ = ["DIMENSIONS", "UNDERSTOOD", "CachedEncoder", "Encoder", "PackagedEncoder", "dequantized", "quantized"]
