"""Answers that were given before, by what was asked of whom."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

from adwright_docstore import Key, Store
from adwright_evaluator.model import JSON, Answer, Usage
from adwright_resources.partitions import partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import InvalidInput

__all__ = ["AnswerCache", "content_key"]

KEPT: Final = timedelta(days=14)


def content_key(*parts: JSON) -> str:
    """A hash of what was asked."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class AnswerCache:
    """A tenant's answers; each is spread over partitions by its key."""

    def __init__(self, store: Store, tenant: str) -> None:
        self._store = store
        self._tenant = tenant

    async def get(self, key: str) -> Answer | None:
        """The answer, marked as cached."""
        with translated():
            item = await self._store.get(self._place(key), consistent=False)
        if item is None:
            return None
        data: dict[str, Any] = dict(item.data)
        return replace(Answer(**data | {"usage": Usage(**data["usage"])}), cached=True)

    async def put(self, key: str, answer: Answer, now: datetime) -> None:
        """Keeps it for two weeks, without the ad that it came from; one too large to keep is not kept."""
        data: dict[str, Any] = asdict(replace(answer, subject=None, logprobs=None))
        del data["subject"], data["logprobs"]
        try:
            with translated():
                await self._store.put(self._place(key), data, expires_at=now + KEPT)
        except InvalidInput:
            return

    def _place(self, key: str) -> Key:
        return Key(partition(self._tenant, f"answers#{key[:2]}"), key)
