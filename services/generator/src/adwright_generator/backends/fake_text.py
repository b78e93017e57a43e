"""What backends and servers without a model say: words derived from a key, so the same every time."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["made_up"]

_VOCABULARY = (
    "bright calm clear crisp easy fresh gentle honest light quiet ready simple smooth soft steady warm "
    "coat cup evening hill home journey lamp morning path road room season shelter table trail walk "
    "carry enjoy find follow keep make meet pack share start stay take try wear"
)
_WORDS = _VOCABULARY.split()


def made_up(key: str, schema: Mapping[str, Any] | None = None, *, length: int = 120) -> str:
    """A sentence of at most `length` characters, or a JSON text of `schema`: others for another key."""
    source = _Source(key)
    if schema is None:
        return source.sentence(length)
    return json.dumps(source.value(schema), ensure_ascii=False, separators=(",", ":"))


class _Source:
    """Choices that depend on nothing but the key."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._count = 0

    def below(self, limit: int) -> int:
        self._count += 1
        return int.from_bytes(hashlib.sha256(f"{self._count} {self._key}".encode()).digest()[:8]) % limit

    def sentence(self, longest: int, shortest: int = 0) -> str:
        """Words with at most `longest` characters in all, cut inside a word only if none fits."""
        wanted = max(shortest, longest * 3 // 4)
        text = ""
        while len(text) < wanted:
            word = _WORDS[self.below(len(_WORDS))]
            longer = f"{text} {word}" if text else word.capitalize()
            if len(longer) > longest:
                return text if len(text) >= max(shortest, 1) else longer[:longest].rstrip().ljust(shortest, ".")
            text = longer
        return text

    def value(self, schema: Mapping[str, Any]) -> Any:
        """A value of the part of JSON Schema that ad formats use; patterns are not looked at."""
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][self.below(len(schema["enum"]))]
        match schema.get("type"):
            case "object":
                return {key: self.value(part) for key, part in schema.get("properties", {}).items()}
            case "array":
                count = schema.get("minItems", schema.get("maxItems", 1))
                return [self.value(schema.get("items", {})) for _ in range(count)]
            case "integer" | "number":
                return schema.get("minimum", 0)
            case "boolean":
                return bool(self.below(2))
            case "null":
                return None
            case _:
                return self.sentence(schema.get("maxLength", 60), schema.get("minLength", 0))
