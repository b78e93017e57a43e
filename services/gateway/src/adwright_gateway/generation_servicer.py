"""GenerationService: the history over the wire, and the way from a good ad to an exemplar."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from google.protobuf import empty_pb2

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc, resources_pb2
from adwright.evaluator.v1 import evaluator_service_pb2_grpc, suite_pb2
from adwright.gateway.v1 import generation_service_pb2 as pb
from adwright.gateway.v1 import generation_service_pb2_grpc
from adwright.type.v1 import ad_pb2
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import FailedPrecondition, InvalidInput

from .history import History
from .peers import calling

__all__ = ["GenerationServicer"]

Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class GenerationServicer(generation_service_pb2_grpc.GenerationServiceServicer):
    """The generations of the caller's tenant."""

    def __init__(self, history: History, context: grpc.aio.Channel, evaluator: grpc.aio.Channel) -> None:
        self._history = history
        self._evaluator = evaluator_service_pb2_grpc.EvaluatorServiceStub(evaluator)
        self._context = context_service_pb2_grpc.ContextServiceStub(context)

    async def GetGeneration(self, request: pb.GetGenerationRequest, context: Call) -> pb.Generation:
        return await self._history.get(current_tenant(), request.name)

    async def ListGenerations(self, request: pb.ListGenerationsRequest, context: Call) -> pb.ListGenerationsResponse:
        found, token = await self._history.list(current_tenant(), request.page_size, request.page_token, request.filter)
        return pb.ListGenerationsResponse(generations=found, next_page_token=token)

    async def DeleteGeneration(self, request: pb.DeleteGenerationRequest, context: Call) -> empty_pb2.Empty:
        await self._history.delete(current_tenant(), request.name)
        return empty_pb2.Empty()

    async def PurgeGenerations(self, request: pb.PurgeGenerationsRequest, context: Call) -> pb.PurgeGenerationsResponse:
        count = await self._history.purge(current_tenant(), request.filter, force=request.force)
        return pb.PurgeGenerationsResponse(purge_count=count)

    async def ReviewGeneration(self, request: pb.ReviewGenerationRequest, context: Call) -> pb.Generation:
        def reviewed(generation: pb.Generation) -> None:
            ad = _ad(generation, request.review.variant, "review.variant")
            there = {field.path for field in ad.fields}
            for index, field in enumerate(request.review.corrections):
                if field.path not in there:
                    raise InvalidInput.of(
                        f"review.corrections[{index}].path",
                        f"'{field.path}' is not in this ad; it has {', '.join(sorted(there))}",
                    )
            review = _review(generation, ad.variant)
            exemplar = review.exemplar
            review.CopyFrom(request.review)
            review.exemplar = exemplar
            review.update_time.FromDatetime(self._history.now())

        return await self._history.change(current_tenant(), request.name, reviewed)

    async def PromoteGeneration(self, request: pb.PromoteGenerationRequest, context: Call) -> resources_pb2.Exemplar:
        tenant = current_tenant()
        generation = await self._history.get(tenant, request.name)
        ad = _ad(generation, request.variant, "variant")
        review = _review(generation, ad.variant)
        exemplar = resources_pb2.Exemplar(
            format=generation.started.format,
            language=generation.started.language,
            product=next(iter(generation.started.products), ""),
            brief=generation.request.brief,
            rating=review.rating,
            fields=[ad_pb2.AdField(path=path, text=text) for path, text in _corrected(ad, review).items()],
        )
        own = f"g{generation.name.removeprefix('generations/')}-{ad.variant}"
        with calling("context"):
            created = await self._context.CreateExemplar(
                context_service_pb2.CreateExemplarRequest(
                    parent=generation.request.brand, exemplar_id=request.exemplar_id or own, exemplar=exemplar
                )
            )

        def promoted(generation: pb.Generation) -> None:
            review = _review(generation, ad.variant)
            review.exemplar = created.name
            review.update_time.FromDatetime(self._history.now())

        await self._history.change(tenant, request.name, promoted)
        return created

    async def AddGenerationToSuite(self, request: pb.AddGenerationToSuiteRequest, context: Call) -> suite_pb2.Suite:
        generation = await self._history.get(current_tenant(), request.name)
        ad = _ad(generation, request.variant, "variant")
        adding = suite_pb2.AddCaseRequest(suite=request.suite)
        adding.case.update(_case(generation, ad, _review(generation, ad.variant)))
        with calling("evaluator"):
            suite: suite_pb2.Suite = await self._evaluator.AddCase(adding)
            return suite


def _corrected(ad: ad_pb2.Ad, review: pb.Review) -> dict[str, str]:
    """The texts by path, as people want them."""
    corrected = {field.path: field.text for field in review.corrections}
    return {field.path: corrected.get(field.path, field.text) for field in ad.fields}


def _case(generation: pb.Generation, ad: ad_pb2.Ad, review: pb.Review) -> dict[str, Any]:
    """A test in promptfoo's words. What people wrote is the reference: how near to it a new ad comes is only shown."""
    asked = generation.request
    variables = {
        "brief": asked.brief,
        "brand": asked.brand,
        "products": list(asked.products),
        "format": asked.format,
        "language": generation.started.language,
        "audience": asked.audience,
        "tone": asked.tone,
        "reference": "\n".join(_corrected(ad, review).values()),
    }
    required = [{"type": name} for name in ("ad-limits", "ad-facts", "banned-terms")]
    near = {"type": "similar", "value": "{{ reference }}", "weight": 0, "metric": "near the reference"}
    return {
        "description": asked.brief[:100] or generation.name,
        "vars": {name: value for name, value in variables.items() if value},
        "assert": [*required, near],
        "metadata": {
            "generation": generation.name,
            "rating": review.rating,
            "corrected": bool(review.corrections),
        },
    }


def _ad(generation: pb.Generation, variant: int, field: str) -> ad_pb2.Ad:
    ads = {ad.variant: ad for ad in generation.completed.ads}
    if not ads:
        raise FailedPrecondition(f"{generation.name} has no ads: it did not complete", reason="GENERATION_INCOMPLETE")
    if variant not in ads:
        raise InvalidInput.of(field, f"there is no variant {variant}; there are {', '.join(map(str, sorted(ads)))}")
    return ads[variant]


def _review(generation: pb.Generation, variant: int) -> pb.Review:
    for review in generation.reviews:
        if review.variant == variant:
            return review
    return generation.reviews.add(variant=variant)
