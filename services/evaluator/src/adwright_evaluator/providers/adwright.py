"""`adwright`: an ad as a customer gets it, through the gateway, with brand, format, checks and all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from adwright.gateway.v1 import ad_service_pb2
from adwright_checks import Format, Subject
from adwright_checks.convert import brand_rules, product_facts
from adwright_checks.model import AdText, BrandRules, ProductFacts
from adwright_evaluator.clients import Clients, usd
from adwright_evaluator.model import JSON, Answer, Usage
from adwright_evaluator.suites.templates import render_value
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.names import brand_name, child_name, format_name

from .base import Question, as_text

__all__ = ["AdwrightProvider"]

_TEXTS: Final = ("brand", "format", "language", "brief", "audience", "tone", "prompt_version", "backend", "adapter")
_NUMBERS: Final = ("seed", "max_repairs")
_KNOWN: Final = (*_TEXTS, *_NUMBERS, "product", "products", "field_counts", "output")
_FROM_CASE: Final = tuple(name for name in (*_TEXTS, "product", "products") if name != "brief")
_INDEX: Final = re.compile(r"\[\d+\]$")


class AdwrightProvider:
    """Config: the fields of GenerateAdRequest, which may be templates; what is missing comes from the variables.

    The prompt is the brief, unless the config has one. The output is the text of an ad with one text, else an object
    of its fields; `output: text` gives lines.
    """

    def __init__(
        self, clients: Clients, tenant: str, formats: Mapping[str, Format], config: Mapping[str, JSON]
    ) -> None:
        """Raises InvalidInput for an unknown setting."""
        for name in config:
            if name not in _KNOWN:
                raise InvalidInput.of(
                    f"providers.adwright.config.{name}", f"is not a setting of adwright: there are {', '.join(_KNOWN)}"
                )
        self._clients = clients
        self._tenant = tenant
        self._formats = {item.name: item for item in formats.values()}
        self._config = config
        self._brands: dict[str, BrandRules] = {}
        self._products: dict[tuple[str, str], ProductFacts] = {}
        # Brands and products change without a suite knowing of it.
        self.key = ""

    async def answer(self, question: Question) -> Answer:
        """One ad."""
        given = self._given(question)
        request = self._request(question, given)
        started, completed, seconds = await self._clients.ad(self._tenant, request)
        if not completed.ads:
            return Answer(None, error="the generation gave no ad")
        ad = completed.ads[0]
        fields = tuple(AdText(field.path, field.text) for field in ad.fields)
        queued = completed.timings.queued.seconds + completed.timings.queued.nanos / 1e9
        metadata: dict[str, JSON] = {
            "generation": started.generation,
            "backend": started.backend,
            "prompt_version": started.prompt_version,
            "valid": ad.valid,
            "format": request.format,
        }
        return Answer(
            output=_output(fields, as_lines=given.get("output") == "text"),
            latency_ms=max(0.0, seconds - queued) * 1000,
            cost_usd=usd(completed.cost),
            usage=Usage(completed.usage.input_tokens, completed.usage.output_tokens, completed.usage.model_calls),
            finish_reason="length" if completed.finish_reason == completed.FINISH_REASON_LENGTH else "stop",
            trace_id=completed.trace_id,
            model=started.model,
            subject=await self._subject(request, started.language or request.language, fields),
            metadata=metadata,
        )

    def _given(self, question: Question) -> Mapping[str, Any]:
        filled = render_value(self._config, question.case.vars)
        assert isinstance(filled, Mapping)
        known = question.case.vars
        from_case = {name: known[name] for name in _FROM_CASE if name in known}
        return from_case | {"brief": as_text(question.prompt)} | dict(filled)

    def _request(self, question: Question, given: Mapping[str, Any]) -> ad_service_pb2.GenerateAdRequest:
        for name in ("brand", "format"):
            if not given.get(name):
                raise InvalidInput.of(
                    f"providers.adwright.config.{name}", f"is needed, there or as the variable {name!r}"
                )
        brand = brand_name(str(given["brand"]))
        products = given.get("products", given.get("product")) or []
        request = ad_service_pb2.GenerateAdRequest(
            brand=brand,
            products=[
                child_name(brand, "products", str(product), "product")
                for product in ([products] if isinstance(products, str) else products)
            ],
            format=format_name(str(given["format"])),
            variant_count=1,
            field_counts=given.get("field_counts") or {},
        )
        for name in _TEXTS[2:]:
            setattr(request, name, str(given.get(name) or ""))
        for name in _NUMBERS:
            if given.get(name) is not None:
                setattr(request, name, int(given[name]) + (question.repeat if name == "seed" else 0))
        return request

    async def _subject(
        self, request: ad_service_pb2.GenerateAdRequest, language: str, fields: tuple[AdText, ...]
    ) -> Subject:
        brand = self._brands.get(request.brand)
        if brand is None:
            brand = self._brands[request.brand] = brand_rules(await self._clients.brand(self._tenant, request.brand))
        products = []
        for name in request.products:
            facts = self._products.get((name, language))
            if facts is None:
                product = await self._clients.product(self._tenant, name)
                facts = self._products[name, language] = product_facts(product, language)
            products.append(facts)
        return Subject(fields, self._formats[request.format], language, brand, tuple(products), request.brief)


def _output(fields: tuple[AdText, ...], *, as_lines: bool) -> JSON:
    if len(fields) == 1:
        return fields[0].text
    if as_lines:
        return "\n".join(field.text for field in fields)
    found: dict[str, Any] = {}
    for field in fields:
        name = _INDEX.sub("", field.path)
        if name == field.path:
            found[name] = field.text
        else:
            found.setdefault(name, []).append(field.text)
    return found
