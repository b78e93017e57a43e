"""A run as it is worked on in one process: its suite read, its providers open."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cachetools import TTLCache

from adwright_checks import Format
from adwright_docstore import Store
from adwright_evaluator.assertions import JUDGED, KNOWN_TYPES
from adwright_evaluator.clients import Clients
from adwright_evaluator.judging.back_translation import TRANSLATION
from adwright_evaluator.model import AssertionSet, Suite
from adwright_evaluator.providers import Providers
from adwright_evaluator.suite_store import ADDED
from adwright_evaluator.suites import read_suite
from adwright_evaluator.tools import RunTools

from .aside import Aside
from .asking import Asker
from .cache import AnswerCache
from .plan import Choices, Plan
from .rows import Rows

__all__ = ["Session", "Sessions", "fingerprint", "parsed"]


_ALONE = "alone.yaml"
_KEPT = 60.0


def parsed(files: Mapping[str, bytes], main: str) -> Suite:
    """The suite in the files. Raises InvalidInput that names file, line and column."""
    suite = read_suite(files, main, known_types=KNOWN_TYPES)
    if ADDED not in files:
        return suite
    alone = {ADDED: files[ADDED], _ALONE: f"prompts: [x]\nproviders: [echo]\ntests: file://{ADDED}".encode()}
    added = read_suite(alone, _ALONE, known_types=KNOWN_TYPES).cases
    # A suite without tests has one case without anything.
    own = [case for case in suite.cases if case.vars or case.assertions]
    return replace(suite, cases=tuple(replace(case, index=index) for index, case in enumerate([*own, *added])))


def fingerprint(files: Mapping[str, bytes], main: str, *more: Any) -> str:
    """The same for the same files and the same plain data beside them."""
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    return hashlib.sha256(json.dumps([hashes, main, *more], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that the rows of a shard need."""

    plan: Plan
    asker: Asker
    rows: Rows
    aside: Aside

    def close(self) -> None:
        """Ends its threads."""
        self.aside.close()


class Sessions:
    """Opens sessions."""

    def __init__(
        self,
        store: Store,
        clients: Clients,
        formats: Mapping[str, Format],
        now: Callable[[], datetime],
        *,
        judge: str = "",
        allow_python: bool = False,
    ) -> None:
        self._store = store
        self._clients = clients
        self.formats = formats
        self._now = now
        self._judge = judge
        self._allow_python = allow_python
        # Who begins a run most often runs it, too: it is not read twice. Large suites do not stay for long.
        self._plans: TTLCache[str, Plan] = TTLCache(2, _KEPT)

    async def open(self, tenant: str, plan: Plan, files: Mapping[str, bytes], shard: int = 0) -> Session:
        """Raises InvalidInput (provider, judge), Unavailable where the generator is needed and is not there."""
        providers = Providers(self._clients, tenant, self.formats)
        opened = [(spec, await providers.open(spec)) for spec in plan.suite.providers]
        cache = AnswerCache(self._store, tenant)
        asker = Asker(plan, opened, cache, self._now, shard)
        tools = RunTools(
            self._clients,
            tenant,
            await providers.backends() if _judged(plan) else (),
            files,
            cache if plan.cache else None,
            self._now,
            judge=plan.choices.judge or self._judge,
            allow_python=self._allow_python,
        )
        tools.check_judges(plan.cases)
        aside = Aside()
        return Session(plan, asker, Rows(plan.suite, asker, tools, aside), aside)

    async def plan(self, files: Mapping[str, bytes], main: str, choices: Choices) -> Plan:
        """What the files ask for. Raises InvalidInput."""
        key = fingerprint(files, main, choices.packed())
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = await asyncio.to_thread(lambda: Plan.of(parsed(files, main), choices))
        return plan


def _judged(plan: Plan) -> bool:
    return any(
        inner.type in JUDGED or inner.config.get(TRANSLATION) or case.options.get(TRANSLATION)
        for case in plan.cases
        for each in case.assertions
        for inner in (each.assertions if isinstance(each, AssertionSet) else (each,))
    )
