"""One line of a batch's file: a request that will be sent, or the answer that came of it.

https://platform.openai.com/docs/guides/batch; files for fine-tuning and evaluation have lines of their own.
"""

from collections.abc import Iterator

from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic.blocks import all_texts
from midwatch_core.wire.dialects.openai.chat import OpenAIChat, request_texts
from midwatch_core.wire.dialects.openai.completions import OpenAICompletions
from midwatch_core.wire.dialects.openai.embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai.images import OpenAIImages
from midwatch_core.wire.dialects.openai.messages import read_all_tool_definitions
from midwatch_core.wire.dialects.openai.moderations import OpenAIModerations
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_CHAT, _RESPONSES = OpenAIChat(), OpenAIResponses()
_COMPLETIONS = "/chat/completions"
_BY_PATH: tuple[tuple[str, Dialect], ...] = (
    ("/completions", OpenAICompletions()),
    ("/responses", _RESPONSES),
    ("/embeddings", OpenAIEmbeddings()),
    ("/moderations", OpenAIModerations()),
    ("/images/generations", OpenAIImages()),
)


def read_line(line: Node) -> Iterator[Segment]:
    """Every text of a line, with its path in the file's document."""
    if not line.is_dict:
        yield from all_texts(line, Part.DOCUMENT)
    elif line["body"].is_dict:
        yield from _request(line)
    elif line["response"].is_dict:
        yield from _answer(line["response"]["body"])
    elif line["messages"].is_list:
        yield from _chat(line)
    else:
        yield from all_texts(line, Part.DOCUMENT)


def line_model(line: Node) -> str | None:
    """The model that a line asks."""
    body = line.value.get("body") if isinstance(line.value, dict) else None
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else None


def _request(line: Node) -> Iterator[Segment]:
    url, body = line["url"].text() or "", line["body"]
    # Mistral names the path once, for the whole batch.
    if url.endswith(_COMPLETIONS) or (not url and body["messages"]):
        yield from _chat(body)
    elif found := next((dialect for end, dialect in _BY_PATH if url.endswith(end)), None):
        yield from found.read_request(body, Target(host="", path=url)).segments
    else:
        yield from all_texts(body, Part.USER)


def _chat(body: Node) -> Iterator[Segment]:
    """The texts alone, for there may be very many lines: what else a request says is asked of none of them."""
    yield from (segment for _, segment in read_all_tool_definitions(body))
    yield from request_texts(body)


def _answer(body: Node) -> Iterator[Segment]:
    if not body.is_dict:
        return
    if body["choices"]:
        yield from _CHAT.read_response(body, 200).segments
    elif body["output"]:
        yield from _RESPONSES.read_response(body, 200).segments
