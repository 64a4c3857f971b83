"""Models on Bedrock that answer with plain texts: where each one's format has them, whole and streamed.

docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html has a page for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from midwatch_core.model.content import Response, ToolCall
from midwatch_core.model.segment import Part
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.anthropic.blocks import one
from midwatch_core.wire.dialects.bedrock.finish import model_reason
from midwatch_core.wire.node import Node

type Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """One format. A whole answer has its texts at `text` in each item of the list `items`, or at its top.

    A streamed one has a piece of the first text in each event: in the list `event_items`, or at the top, at
    `event_text`, and counts what it wrote so far at `event_output_tokens`. `filtered` is the format's own word for an
    answer that was cut.
    """

    name: str
    items: str = ""
    text: Keys
    finish: Keys
    event_items: str = ""
    event_text: str
    event_finish: str
    filtered: str
    input_tokens: str = ""
    output_tokens: str = ""
    event_output_tokens: str = ""

    def path(self, index: int = 0) -> str:
        """Where the text number `index` stands in a whole answer."""
        return "/".join(("", *((self.items, str(index)) if self.items else ()), *self.text))

    def read(self, body: Node) -> Response:
        """A whole answer."""
        places = list(body[self.items]) if self.items else [body]
        raw = next((reason for place in places if (reason := _at(place, self.finish).text())), None)
        segments = [found for place in places for found in one(_at(place, self.text), Part.ASSISTANT)]
        calls = [call for call in body["tool_calls"] if call["name"].is_str]  # Cohere's
        segments += [found for call in calls for found in one(call["parameters"], Part.TOOL_CALL)]
        return Response(
            id=body["id"].text() or body["generation_id"].text(),
            segments=tuple(segments),
            tool_calls=tuple(
                ToolCall(id=None, name=call["name"].text() or "", path=call["parameters"].path) for call in calls
            ),
            finish_reason=model_reason(raw),
            raw_finish_reason=raw,
            usage=self.usage(body, places),
        )

    def usage(self, body: Node, places: list[Node]) -> Usage | None:
        """The tokens that the format itself counts; None where it counts none."""
        asked = body[self.input_tokens].whole() if self.input_tokens else None
        counted = [count for place in places if (count := self._written(place)) is not None]
        if asked is None and not counted:
            return None
        return Usage(input_tokens=asked, output_tokens=sum(counted) if counted else None)

    def _written(self, place: Node) -> int | None:
        return place[self.output_tokens].whole() if self.output_tokens and place.is_dict else None


TITAN = TextFormat(
    name="amazon.titan",
    items="results",
    text=("outputText",),
    finish=("completionReason",),
    event_text="outputText",
    event_finish="completionReason",
    filtered="CONTENT_FILTERED",
    input_tokens="inputTextTokenCount",
    output_tokens="tokenCount",
    event_output_tokens="totalOutputTextTokenCount",
)
LLAMA = TextFormat(
    name="meta.llama",
    text=("generation",),
    finish=("stop_reason",),
    event_text="generation",
    event_finish="stop_reason",
    filtered="content_filter",
    input_tokens="prompt_token_count",
    output_tokens="generation_token_count",
    event_output_tokens="generation_token_count",
)
MISTRAL = TextFormat(
    name="mistral",
    items="outputs",
    text=("text",),
    finish=("stop_reason",),
    event_items="outputs",
    event_text="text",
    event_finish="stop_reason",
    filtered="content_filter",
)
# DeepSeek-R1 with a plain prompt.
CHOICES = TextFormat(
    name="deepseek",
    items="choices",
    text=("text",),
    finish=("stop_reason",),
    event_items="choices",
    event_text="text",
    event_finish="stop_reason",
    filtered="content_filter",
)
COHERE = TextFormat(
    name="cohere.command",
    items="generations",
    text=("text",),
    finish=("finish_reason",),
    event_text="text",
    event_finish="finish_reason",
    filtered="ERROR_TOXIC",
)
COHERE_CHAT = TextFormat(
    name="cohere.command-r",
    text=("text",),
    finish=("finish_reason",),
    event_text="text",
    event_finish="finish_reason",
    filtered="ERROR_TOXIC",
)
AI21 = TextFormat(
    name="ai21.j2",
    items="completions",
    text=("data", "text"),
    finish=("finishReason", "reason"),
    event_text="text",
    event_finish="finish_reason",
    filtered="content_filter",
)

_WHOLE = (TITAN, MISTRAL, COHERE, AI21)


def format_of_answer(body: Node) -> TextFormat | None:
    """The format of a whole answer, by its members; None where it is none of these."""
    names = body.value if isinstance(body.value, dict) else {}
    for known in _WHOLE:
        if known.items in names:
            return known
    if "generation" in names:
        return LLAMA
    if "text" in names and ("generation_id" in names or "chat_history" in names):
        return COHERE_CHAT
    return CHOICES if any(True for item in _items(body, "choices") if item["text"].is_str) else None


def format_of_event(event: object) -> TextFormat | None:
    """The format of a stream, by one of its events; None where it is none of these."""
    if not isinstance(event, dict):
        return None
    if "outputText" in event:
        return TITAN
    if "generation" in event:
        return LLAMA
    if "outputs" in event:
        return MISTRAL
    if "event_type" in event:
        return COHERE_CHAT
    if "text" in event or "is_finished" in event:
        return COHERE
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return CHOICES if isinstance(first, dict) and "text" in first else None


def _items(body: Node, name: str) -> Iterator[Node]:
    yield from (item for item in body[name] if item.is_dict)


def _at(node: Node, keys: Keys) -> Node:
    for key in keys:
        node = node[key]
    return node
