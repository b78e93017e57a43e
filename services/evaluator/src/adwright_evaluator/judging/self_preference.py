"""Whether a judge is of the family that wrote what it judges.

Models score texts of their own kind higher than people do (Panickssery et al., LLM Evaluators Recognize and Favor Their
Own Generations, NeurIPS 2024). Nothing is corrected here; whoever reads the verdict is told.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["family", "same_family"]

_MAKERS: Final = frozenset({"meta", "google", "openai", "anthropic", "microsoft", "ibm", "nvidia", "models", "model"})
_ALIASES: Final = {
    "chatgpt": "gpt", "o": "gpt", "davinci": "gpt", "codellama": "llama", "mixtral": "mistral", "ministral": "mistral",
    "codestral": "mistral", "magistral": "mistral", "qwq": "qwen", "codegemma": "gemma", "smolvlm": "smollm",
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z]+")


def family(model: str) -> str:
    """The family in a model's name: `llama` of `meta-llama/Meta-Llama-3.1-8B-Instruct`; empty where there is none.

    It goes by the name alone: a fine-tuned model under a name of its own is of a family of its own.
    """
    name = re.split(r"[/\\]", model.lower().strip())[-1].partition(":")[0]
    for found in _WORD.finditer(name):
        word = found.group()
        if word not in _MAKERS:
            return _ALIASES.get(word, word)
    return ""


def same_family(judge: str, writer: str) -> bool:
    """Whether two models' names tell one family; False where either tells none."""
    return bool(family(judge)) and family(judge) == family(writer)
