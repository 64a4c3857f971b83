"""One line of a batch's file: a request that will be sent, or the answer that came of it.

https://platform.openai.com/docs/guides/batch; files for fine-tuning and evaluation have lines of their own.
"""

from collections.abc import Iterator

from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic_blocks import all_texts
from midwatch_core.wire.dialects.openai_chat import OpenAIChat
from midwatch_core.wire.dialects.openai_completions import OpenAICompletions
from midwatch_core.wire.dialects.openai_embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai_images import OpenAIImages
from midwatch_core.wire.dialects.openai_messages import read_all_tool_definitions, read_messages
from midwatch_core.wire.dialects.openai_moderations import OpenAIModerations
from midwatch_core.wire.dialects.openai_responses import OpenAIResponses
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BY_PATH: tuple[tuple[str, Dialect], ...] = (
    ("/chat/completions", OpenAIChat()),
    ("/completions", OpenAICompletions()),
    ("/responses", OpenAIResponses()),
    ("/embeddings", OpenAIEmbeddings()),
    ("/moderations", OpenAIModerations()),
    ("/images/generations", OpenAIImages()),
)
_CHAT, _RESPONSES = _BY_PATH[0][1], _BY_PATH[2][1]


def read_line(line: Node) -> Iterator[Segment]:
    """Every text of a line, with its path in the file's document."""
    if not line.is_dict:
        return
    if line["body"].is_dict:
        yield from _request(line)
    elif line["response"].is_dict:
        yield from _answer(line["response"]["body"])
    elif line["messages"].is_list:
        yield from (segment for _, segment in read_all_tool_definitions(line))
        yield from read_messages(line["messages"])
    else:
        yield from all_texts(line, Part.DOCUMENT)


def line_model(line: Node) -> str | None:
    """The model that a line asks."""
    return line["body"]["model"].text() if line.is_dict and line["body"].is_dict else None


def _request(line: Node) -> Iterator[Segment]:
    url = line["url"].text() or ""
    found = next((dialect for end, dialect in _BY_PATH if url.endswith(end)), None)
    if found is None:  # Mistral names the path once, for the whole batch
        found = _CHAT if line["body"]["messages"] else None
    if found is None:
        yield from all_texts(line["body"], Part.USER)
    else:
        yield from found.read_request(line["body"], Target(host="", path=url)).segments


def _answer(body: Node) -> Iterator[Segment]:
    if not body.is_dict:
        return
    if body["choices"]:
        yield from _CHAT.read_response(body, 200).segments
    elif body["output"]:
        yield from _RESPONSES.read_response(body, 200).segments
