"""What `/v1/chat/completions` takes and gives: the part of OpenAI's chat completions that makes sense for ads.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ChatMessage", "ChatRequest", "StreamOptions"]


class ContentPart(BaseModel):
    """One part of a message; only texts are read."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, Field(max_length=20_000)] | list[ContentPart]

    @property
    def text(self) -> str:
        """Its words."""
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """What a stream has besides."""

    model_config = ConfigDict(extra="ignore")
    include_usage: bool = False


class ResponseFormat(BaseModel):
    """`text`: the fields as lines; the others: an object with a key for each field."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["text", "json_object", "json_schema"] = "text"


class ChatRequest(BaseModel):
    """A chat completion; parameters of sampling are the generator's, and are taken without effect."""

    model_config = ConfigDict(extra="ignore")
    model: str = Field(
        pattern=r"^(brands/)?[a-z0-9-]{1,63}(/[a-z0-9-]{1,63}(/[A-Za-z0-9-]{2,35})?)?$",
        description="`BRAND`, `BRAND/FORMAT` or `BRAND/FORMAT/LANGUAGE`; without a format a plain text is written.",
        examples=["nordlys/google-rsa"],
    )
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=64)]
    """The brief: what system and user say."""
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    n: Annotated[int, Field(ge=1, le=8)] | None = 1
    """Variants."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] | None = None
    metadata: dict[str, str] | None = Field(
        default=None,
        description="`products` (comma separated), `tone`, `audience`, `prompt_version`, `backend`, `max_repairs`.",
    )

    def model_post_init(self, context: Any) -> None:
        """Null counts as left out, as OpenAI's clients send it."""
        self.n = self.n or 1
        self.stream = bool(self.stream)
