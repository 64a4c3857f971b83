"""What a span is about: a call to a model, a tool that ran, or neither."""

from collections.abc import Mapping

from midwatch_core import Operation
from midwatch_otel.ingest.names import Bag, Meaning

# Agents, workflows, retrievals and memories are not here: what they did is told by the spans within them.
_OPERATIONS: Mapping[str, Operation] = {
    "chat": Operation.CHAT,
    "text_completion": Operation.TEXT_COMPLETION,
    "generate_content": Operation.GENERATE_CONTENT,
    "embeddings": Operation.EMBEDDINGS,
    "execute_tool": Operation.EXECUTE_TOOL,
}
_SPAN_KINDS: Mapping[str, Operation] = {
    "llm": Operation.CHAT,
    "embedding": Operation.EMBEDDINGS,
    "reranker": Operation.RERANK,
    "tool": Operation.EXECUTE_TOOL,
}
_REQUEST_TYPES: Mapping[str, Operation] = {
    "chat": Operation.CHAT,
    "completion": Operation.TEXT_COMPLETION,
    "embedding": Operation.EMBEDDINGS,
    "rerank": Operation.RERANK,
}
_TABLES = (
    (Meaning.OPERATION, _OPERATIONS),
    (Meaning.SPAN_KIND, _SPAN_KINDS),
    (Meaning.REQUEST_TYPE, _REQUEST_TYPES),
    (Meaning.ENTITY_KIND, {"tool": Operation.EXECUTE_TOOL}),
)


def operation_of(bag: Bag) -> Operation | None:
    """What a span's call asked, EXECUTE_TOOL for a tool that ran, None for anything else.

    The first convention that says what the span is decides. One that says nothing (OpenTelemetry's 1.26 and before)
    is a chat where it names provider and model.
    """
    for meaning, table in _TABLES:
        told = bag.text(meaning)
        if told is not None:
            return table.get(told.lower())
    named = bag.text(Meaning.PROVIDER) is not None and bag.text(Meaning.REQUEST_MODEL) is not None
    return Operation.CHAT if named else None
