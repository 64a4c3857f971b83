"""Calls as programs tell them in JSON: by their wire bodies (with `url`), or in plain words (with `provider`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import AliasChoices, Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from midwatch_core import (
    FinishReason,
    Operation,
    Part,
    PlainCall,
    PlainText,
    Timing,
    Transport,
    Usage,
    Whose,
    WireCall,
)
from midwatch_web.ingest.messages import Message, tool_name, tool_text

type Count = Annotated[int | None, Field(ge=0)]
type Milliseconds = Annotated[float | None, Field(ge=0)]

# What says how bytes were packed on the wire; a body in JSON is unpacked.
_PACKING = frozenset({"content-encoding", "transfer-encoding", "content-length"})


class Told(BaseModel):
    """What may be said of any call. `key` is a key of idempotency: the same key and `started_at` are stored once."""

    model_config = ConfigDict(extra="forbid")

    tenant: str | None = Field(None, description="A key of one tenant has no other.")
    app: str | None = None
    agent: str | None = None
    user: str | None = None
    client: str | None = Field(None, description="The address of the machine that called.")
    session: str | None = Field(None, description="What the application calls its conversation.")
    traceparent: str | None = Field(None, description="As W3C Trace Context has it.")
    key: str | None = Field(None, description="Any text; with `started_at`, sending the call again stores it once.")
    started_at: datetime | None = Field(None, description="UTC where it has no offset; now where it is left out.")
    ttft_ms: Milliseconds = Field(None, description="To the first token.")
    duration_ms: Milliseconds = Field(None, description="To the end of the answer.")
    status: int | None = Field(None, description="The HTTP status; 200 where there is an answer and none is given.")
    error: str | None = Field(None, description="What went wrong.")

    def whose(self) -> Whose:
        """Whose the call is."""
        return Whose(
            tenant=self.tenant,
            app=self.app,
            agent=self.agent,
            user=self.user,
            client=self.client,
            session=self.session,
            traceparent=self.traceparent,
            key=self.key,
        )

    def timing(self) -> Timing:
        """How long it took."""
        return Timing(ttft_ms=self.ttft_ms, duration_ms=self.duration_ms)


class ToldWire(Told):
    """A call by its wire bodies. A streamed answer is its SSE text as a string; what is no text is base64."""

    url: str
    method: str = "POST"
    request: Any = Field(None, description="The body: an object, or its text.")
    request_base64: Base64Bytes | None = None
    request_headers: dict[str, str] = Field(default_factory=dict, description="Content type and session, if any.")
    response: Any = Field(None, description="The body: an object, or its text.")
    response_base64: Base64Bytes | None = None
    response_headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _once(self) -> "ToldWire":
        for name in ("request", "response"):
            if getattr(self, name) is not None and getattr(self, f"{name}_base64") is not None:
                raise ValueError(f"give `{name}` or `{name}_base64`, not both")
        return self

    def call(self) -> WireCall:
        """The call."""
        response = _bytes(self.response, self.response_base64)
        status = 200 if self.status is None and response is not None else self.status
        return WireCall(
            url=self.url,
            method=self.method,
            request=_bytes(self.request, self.request_base64) or b"",
            request_headers=_headers(self.request_headers, packed=self.request_base64 is not None),
            status=status,
            response=response,
            response_headers=_headers(self.response_headers, packed=self.response_base64 is not None),
            started_at=self.started_at,
            timing=self.timing(),
            error=self.error,
            whose=self.whose(),
        )


class ToldUsage(BaseModel):
    """Tokens. The input counts what was read from and written to caches, the output counts reasoning."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    input_tokens: Count = Field(None, validation_alias=AliasChoices("input_tokens", "prompt_tokens"))
    output_tokens: Count = Field(None, validation_alias=AliasChoices("output_tokens", "completion_tokens"))
    total_tokens: Count = Field(None, exclude=True, description="Not looked at: it is their sum.")
    cache_read_tokens: Count = None
    cache_write_5m_tokens: Count = None
    cache_write_1h_tokens: Count = None
    reasoning_tokens: Count = None

    def usage(self) -> Usage:
        """The tokens as they are kept."""
        return Usage(**self.model_dump())


class ToldPlain(Told):
    """A call in plain words, for programs that have no wire bodies."""

    provider: str = Field(min_length=1, description="As in OpenTelemetry: openai, anthropic, aws.bedrock, …")
    model: str | None = None
    operation: Operation = Operation.CHAT
    host: str = ""
    messages: list[Message] = Field(default_factory=list, description="As in Chat Completions.")
    input: str | list[str] | None = Field(None, description="What embeddings are asked for.")
    output: str | Message | list[Message] | None = Field(None, description="The answer; its text, or its messages.")
    response_model: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict, description="temperature, max_tokens, …")
    tools: list[str | dict[str, Any]] = Field(default_factory=list, description="Offered: names, or definitions.")
    finish_reason: FinishReason | None = None
    usage: ToldUsage | None = None
    cost_usd: Decimal | None = Field(None, ge=0, allow_inf_nan=False, description="Found by the model if left out.")
    streamed: bool = False

    def call(self) -> PlainCall:
        """The call."""
        answered = self.error is None or self.status is not None or self.output is not None
        return PlainCall(
            provider=self.provider,
            model=self.model,
            operation=self.operation,
            host=self.host,
            asked=tuple(self._asked()),
            answer=tuple(self._answer()) if answered else None,
            response_model=self.response_model,
            parameters=self.parameters,
            tools=tuple(filter(None, map(tool_name, self.tools))),
            finish_reason=self.finish_reason,
            usage=None if self.usage is None else self.usage.usage(),
            cost_usd=self.cost_usd,
            transport=Transport.SSE if self.streamed else Transport.HTTP,
            streamed=self.streamed,
            status=200 if self.status is None else self.status,
            error=self.error,
            started_at=self.started_at,
            timing=self.timing(),
            whose=self.whose(),
        )

    def _asked(self) -> Iterator[PlainText]:
        yield from filter(None, map(tool_text, self.tools))
        for message in self.messages:
            yield from message.texts()
        inputs = [self.input] if isinstance(self.input, str) else self.input or []
        yield from (PlainText(part=Part.EMBEDDING_INPUT, text=text) for text in inputs)

    def _answer(self) -> Iterator[PlainText]:
        if isinstance(self.output, str):
            yield PlainText(part=Part.ASSISTANT, text=self.output)
            return
        for message in [self.output] if isinstance(self.output, Message) else self.output or []:
            yield from message.texts()


def _bytes(told: object, packed: bytes | None) -> bytes | None:
    """A body as it stood on the wire."""
    if told is None:
        return packed
    return told.encode("utf-8", "replace") if isinstance(told, str) else orjson.dumps(told)


def _headers(headers: Mapping[str, str], *, packed: bool) -> dict[str, str]:
    return {name: value for name, value in headers.items() if packed or name.lower() not in _PACKING}
