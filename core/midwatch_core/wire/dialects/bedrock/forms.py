"""Whose format the body of an invocation has: told by its members, as ids of models need not say (ARNs, imports)."""

from typing import Protocol

from midwatch_core.model.content import Request, Response
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import StreamReader
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.bedrock.converse import BedrockConverse
from midwatch_core.wire.dialects.bedrock.map import ConverseMap
from midwatch_core.wire.dialects.bedrock.stream import ConverseStream
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.editing.slot import StreamMap
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target


class Form(Protocol):
    """A format of conversations that several models have."""

    def read_request(self, body: Node, target: Target) -> Request:
        """As a dialect's."""
        ...

    def read_response(self, body: Node, status: int) -> Response:
        """As a dialect's."""
        ...

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """As a dialect's; its events are what chunks hold."""
        ...

    def stream_map(self) -> StreamMap | None:
        """As a dialect's."""
        ...


class NovaInvoke(BedrockConverse):
    """Amazon Nova's own format: Converse's, each event of its stream wrapped in a member of that name."""

    def stream_reader(self, assembly: Assembly) -> ConverseStream:
        """A reader for one streamed answer."""
        return ConverseStream(assembly, wrapped=True)

    def stream_map(self) -> ConverseMap:
        """Where the texts of one answer stand."""
        return ConverseMap(wrapped=True)


ANTHROPIC: Form = AnthropicMessages()
NOVA: Form = NovaInvoke()
# Mistral, DeepSeek, AI21's Jamba, OpenAI's open models, Qwen, Kimi, MiniMax and others.
OPENAI: Form = OpenAIChat()

_NOVA_EVENTS = frozenset({"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})


def form_of_request(body: Node, model: str) -> Form | None:
    """The format of a request that is a conversation; None for a plain prompt or something else."""
    if not body["messages"]:
        return None
    if body["anthropic_version"] or "anthropic." in model:
        return ANTHROPIC
    if "amazon.nova" in model or any(_is_untagged(message["content"]) for message in body["messages"]):
        return NOVA
    return OPENAI


def form_of_answer(body: Node) -> Form | None:
    """The format of a whole answer; None for plain texts, or what is not known."""
    if not body.is_dict:
        return None
    if body["output"].is_dict and body["output"]["message"].is_dict:
        return NOVA
    if body["type"].value == "message" or body["content"].is_list:
        return ANTHROPIC
    if any(choice.is_dict and choice["message"] for choice in body["choices"]):
        return OPENAI
    return None


def form_of_event(event: object) -> Form | None:
    """The format of a stream, by one of its events; None for plain texts, or what is not known."""
    if not isinstance(event, dict):
        return None
    if not _NOVA_EVENTS.isdisjoint(event):
        return NOVA
    if isinstance(event.get("type"), str):
        return ANTHROPIC
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return OPENAI if isinstance(first, dict) and ("delta" in first or "message" in first) else None


def _is_untagged(content: Node) -> bool:
    """Converse's blocks are unions without a `type`."""
    return content.is_list and any(block.is_dict and not block["type"] for block in content)
