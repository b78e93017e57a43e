"""What can be asked of a generation, beyond brand and format."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from adwright.gateway.v1.ad_service_pb2 import GenerateAdRequest
from adwright.type.v1.priority_pb2 import PRIORITY_BATCH, PRIORITY_UNSPECIFIED
from adwright_servicekit.errors import InvalidInput

__all__ = ["GenerateOptions", "generate_request"]


class GenerateOptions(TypedDict, total=False):
    """Keyword arguments of `generate`. What is left out is for the gateway to choose."""

    products: Sequence[str]
    """The products the ad is about; without any, those that answer the brief best."""
    language: str
    """BCP-47 tag; by default the brand's first language."""
    brief: str
    """What the ad should say. Required when no product is named."""
    audience: str
    tone: str
    variants: int
    """How many different ads to write, 1 to 8."""
    field_counts: Mapping[str, int]
    """How many texts to write of a field: `{"headlines": 8}`."""
    prompt_version: str
    backend: str
    adapter: str
    """LoRA adapter of the model server; by default the model as it is."""
    batch: bool
    """Nobody waits for it: interactive work goes first, and it does not spill over to another backend."""
    seed: int
    """Makes sampling repeatable on one backend; 0 to 2³² - 1."""
    max_repairs: int
    """How often a variant may be repaired after a failed check, 0 to 5."""
    timeout: float
    """Seconds for the whole stream; by default the client's."""


def generate_request(brand: str, format: str, options: GenerateOptions) -> GenerateAdRequest:
    """The request. Raises InvalidInput for values that no message can hold."""
    try:
        return GenerateAdRequest(
            brand=brand,
            format=format,
            products=options.get("products", ()),
            language=options.get("language", ""),
            brief=options.get("brief", ""),
            audience=options.get("audience", ""),
            tone=options.get("tone", ""),
            variant_count=options.get("variants", 0),
            field_counts=options.get("field_counts", {}),
            prompt_version=options.get("prompt_version", ""),
            backend=options.get("backend", ""),
            adapter=options.get("adapter", ""),
            priority=PRIORITY_BATCH if options.get("batch") else PRIORITY_UNSPECIFIED,
            seed=options.get("seed"),
            max_repairs=options.get("max_repairs"),
        )
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"this cannot be sent: {error}") from None
