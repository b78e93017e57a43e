"""Between protobuf messages and the generator's own types."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from google.protobuf import duration_pb2
from google.type import money_pb2

from adwright.context.v1 import resources_pb2
from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.type.v1 import ad_event_pb2, ad_pb2, priority_pb2
from adwright_checks import Format, load_formats
from adwright_checks.convert import ad_field_to_pb, brand_rules, finding_to_pb, format_to_pb, product_facts
from adwright_checks.model import AdText
from adwright_servicekit.call import Call
from adwright_servicekit.errors import InvalidInput, NotFound

from .backends.accounting import Account
from .events import Ad, Completed, Delta, Event, FinishReason, Resume, Started, Switched, Withheld
from .job import Example, Job, ProductSheet
from .policy.waiting import Priority
from .prompting import language_name

__all__ = ["PRIORITIES", "Formats", "duration", "event_to_pb", "job_from", "usage_to_pb", "usd"]

_FINISH = {
    FinishReason.STOP: ad_event_pb2.AdCompleted.FINISH_REASON_STOP,
    FinishReason.LENGTH: ad_event_pb2.AdCompleted.FINISH_REASON_LENGTH,
    FinishReason.CHECKS_FAILED: ad_event_pb2.AdCompleted.FINISH_REASON_CHECKS_FAILED,
}
_RESUME = {
    Resume.EXACT_PREFIX: ad_event_pb2.AdSwitched.RESUME_EXACT_PREFIX,
    Resume.CONTINUED: ad_event_pb2.AdSwitched.RESUME_CONTINUED,
    Resume.RESTARTED: ad_event_pb2.AdSwitched.RESUME_RESTARTED,
}


PRIORITIES = {priority_pb2.PRIORITY_INTERACTIVE: Priority.INTERACTIVE, priority_pb2.PRIORITY_BATCH: Priority.BATCH}


class Formats:
    """The ad formats by resource name."""

    def __init__(self, formats: Mapping[str, Format] | None = None) -> None:
        loaded = load_formats() if formats is None else formats
        self.by_name = {item.name: item for item in loaded.values()}

    def get(self, name: str) -> Format:
        """Raises NotFound."""
        found = self.by_name.get(name)
        if found is None:
            known = ", ".join(sorted(item.id for item in self.by_name.values()))
            raise NotFound(f"there is no {name}; there are {known}", reason="FORMAT_NOT_FOUND")
        return found


def job_from(request: pb.GenerateRequest, formats: Formats, call: Call | None) -> Job:
    """What a request asks for, on behalf of whom and until when. Raises InvalidInput and NotFound."""
    ad_format = formats.get(request.format)
    context = request.context
    language = context.language or next(iter(context.brand.languages), "en")
    language_name(language)
    try:
        counts = ad_format.counts(dict(request.field_counts))
    except ValueError as error:
        raise InvalidInput.of("field_counts", str(error), reason="FIELD_COUNT_OUT_OF_RANGE") from None
    products = [chosen.product for chosen in context.products]
    return Job(
        generation=request.generation or f"generations/{uuid.uuid4().hex}",
        format=ad_format,
        counts=counts,
        language=language,
        context_revision=context.revision,
        brand=brand_rules(context.brand),
        voice=context.brand.voice,
        style_guide=context.brand.style_guide,
        product_names=tuple(product.name for product in products),
        products=tuple(product_facts(product, language) for product in products),
        sheets=tuple(_sheet(product, language) for product in products),
        examples=tuple(_example(chosen.exemplar, request.format, context) for chosen in context.exemplars),
        brief=request.brief,
        audience=request.audience,
        tone=request.tone,
        variant_count=request.variant_count or 1,
        prompt_version=request.prompt_version,
        backend=request.backend,
        residencies=frozenset(context.brand.data_policy.allowed_residencies),
        seed=request.seed if request.HasField("seed") else None,
        max_repairs=request.max_repairs if request.HasField("max_repairs") else 2,
        adapter=request.adapter,
        tenant=call.identity.tenant if call and call.identity else "",
        priority=PRIORITIES.get(request.priority, Priority.INTERACTIVE),
        deadline=call.deadline if call else None,
    )


def _sheet(product: resources_pb2.Product, language: str) -> ProductSheet:
    tag = language if language in product.localizations else language.partition("-")[0]
    # A map of messages grows by being read: ask before.
    local = product.localizations[tag] if tag in product.localizations else resources_pb2.LocalizedText()
    return ProductSheet(
        display_name=local.display_name or product.display_name,
        description=local.description or product.description,
        category=product.category,
        features=tuple(local.features or product.features),
        specs=tuple(f"{spec.label}: {spec.value}" for spec in product.specs),
        price=_price(product.price) if product.HasField("price") else "",
        allowed_claims=tuple(product.allowed_claims),
    )


def _price(money: money_pb2.Money) -> str:
    amount = Decimal(money.units) + Decimal(money.nanos).scaleb(-9)
    text = f"{amount:f}" if amount == amount.to_integral() else f"{amount:.2f}"
    return f"{text.split('.')[0] if amount == amount.to_integral() else text} {money.currency_code}"


def _example(exemplar: resources_pb2.Exemplar, ad_format: str, context: resources_pb2.PromptContext) -> Example:
    by_name = {chosen.product.name: chosen.product for chosen in context.products}
    product = by_name.get(exemplar.product)
    return Example(
        texts={field.path: field.text for field in exemplar.fields},
        same_format=exemplar.format == ad_format,
        language=exemplar.language,
        brief=exemplar.brief,
        product=_sheet(product, exemplar.language) if product is not None else None,
    )


def event_to_pb(event: Event, trace_id: str) -> ad_event_pb2.AdEvent:
    """The event as it goes over the wire."""
    match event:
        case Delta(variant, path, text):
            return ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(variant=variant, path=path, text=text))
        case Switched(variant, source, target, reason, resume):
            switched = ad_event_pb2.AdSwitched(variant=variant, to=target, reason=reason, resume=_RESUME[resume])
            setattr(switched, "from", source)
            return ad_event_pb2.AdEvent(switched=switched)
        case Withheld(variant, path, rule):
            return ad_event_pb2.AdEvent(withheld=ad_event_pb2.AdWithheld(variant=variant, path=path, rule=rule))
        case Started():
            return ad_event_pb2.AdEvent(
                started=ad_event_pb2.AdStarted(
                    generation=event.generation,
                    format=event.format.name,
                    backend=event.backend,
                    model=event.model,
                    prompt_version=event.prompt_version,
                    context_revision=event.context_revision,
                    language=event.language,
                    variant_count=event.variant_count,
                    fields=format_to_pb(event.format).fields,
                    products=event.products,
                )
            )
        case Completed():
            return ad_event_pb2.AdEvent(completed=_completed(event, trace_id))


def _completed(event: Completed, trace_id: str) -> ad_event_pb2.AdCompleted:
    return ad_event_pb2.AdCompleted(
        ads=[_ad(ad) for ad in event.ads],
        finish_reason=_FINISH[event.finish_reason],
        usage=usage_to_pb(event.usage),
        timings=ad_event_pb2.Timings(
            queued=duration(event.timings.queued),
            first_delta=duration(event.timings.first_delta),
            total=duration(event.timings.total),
            per_output_token=duration(event.timings.per_output_token),
        ),
        cost=usd(event.usage.cost_usd),
        checks=[finding_to_pb(finding, ad.variant) for ad in event.ads for finding in ad.findings],
        trace_id=trace_id,
    )


def _ad(ad: Ad) -> ad_pb2.Ad:
    fields = [ad_field_to_pb(AdText(path, text), ad.format) for path, text in ad.texts.items()]
    return ad_pb2.Ad(variant=ad.variant, fields=fields, valid=ad.valid)


def duration(seconds: float | None) -> duration_pb2.Duration | None:
    """Seconds as a Duration; nothing where nothing was measured."""
    if seconds is None:
        return None
    message = duration_pb2.Duration()
    message.FromTimedelta(timedelta(seconds=seconds))
    return message


def usage_to_pb(account: Account) -> ad_event_pb2.Usage:
    """Tokens and calls."""
    return ad_event_pb2.Usage(
        input_tokens=account.input_tokens,
        output_tokens=account.output_tokens,
        estimated=account.estimated,
        model_calls=account.model_calls,
    )


def usd(amount: float) -> money_pb2.Money:
    """Dollars, to the nano."""
    units, nanos = divmod(round(amount * 1e9), 1_000_000_000)
    return money_pb2.Money(currency_code="USD", units=units, nanos=nanos)
