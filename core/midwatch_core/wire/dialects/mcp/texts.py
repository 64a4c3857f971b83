"""The texts of one JSON-RPC message of MCP, whoever sent it and by whichever transport.

A result does not say what it answers: its members tell. Shapes as in
modelcontextprotocol.io/specification/2025-11-25/schema.
"""

from collections.abc import Callable, Iterator

from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.mcp.content import content, filled, one, part_of_role, strings
from midwatch_core.wire.node import Node

type _Reader = Callable[[Node], Iterator[Segment]]

# Members of results that are settings, marks and names.
_SILENT = frozenset(
    {
        "_meta",
        "action",
        "capabilities",
        "isError",
        "model",
        "nextCursor",
        "pollInterval",
        "protocolVersion",
        "role",
        "roots",
        "status",
        "stopReason",
        "ttl",
    }
)


def message_texts(message: Node, *, by_client: bool = False) -> Iterator[Segment]:
    """The texts of a request, a notification, an answer or an error, which agents show their models as well.

    What does not call itself JSON-RPC has none: on a path of a stranger's it is somebody else's business. `by_client`
    where a client sent it: its results are what its model said, or its user filled in.
    """
    if not message["jsonrpc"]:
        return
    if method := message["method"].text():
        yield from _REQUESTS.get(method, _nothing if method in _WITHOUT_TEXTS else _of_unknown)(message["params"])
    yield from (_answered if by_client else _brought)(message["result"])
    if (error := message["error"]).is_dict:
        yield from one(error["message"], Part.TOOL_RESULT)
        yield from strings(error["data"], Part.TOOL_RESULT)


def _answered(result: Node) -> Iterator[Segment]:
    if result["action"]:
        yield from filled(result["content"], Part.USER)
    else:
        yield from content(result["content"], part_of_role(result["role"].text()))


def _brought(result: Node) -> Iterator[Segment]:
    """Each member tells by its name: what a server adds hides nothing."""
    for key, member in result.members():
        if key not in _SILENT:
            yield from _RESULTS.get(key, _of_unknown)(member)


def _nothing(_: Node) -> Iterator[Segment]:
    return iter(())


def _of_unknown(node: Node) -> Iterator[Segment]:
    """What newer versions and extensions bring."""
    return strings(node, Part.TOOL_RESULT)


def _called(params: Node) -> Iterator[Segment]:
    yield from one(params["arguments"], Part.TOOL_CALL)


def _read(params: Node) -> Iterator[Segment]:
    """An address can carry words out as well as arguments can."""
    yield from one(params["uri"], Part.TOOL_CALL)


def _filled(params: Node) -> Iterator[Segment]:
    """A prompt's arguments, or what is to be completed."""
    yield from filled(params["arguments"], Part.USER)
    yield from one(params["argument"]["value"], Part.USER)


def _sampled(params: Node) -> Iterator[Segment]:
    """What a server wants the client's model to be asked."""
    yield from one(params["systemPrompt"], Part.SYSTEM)
    yield from _tools(params["tools"])
    for message in params["messages"]:
        yield from content(message["content"], part_of_role(message["role"].text()))


def _elicited(params: Node) -> Iterator[Segment]:
    """What a server wants the user to be asked: a form, or a page to go to."""
    yield from one(params["message"], Part.USER)
    yield from one(params["url"], Part.USER)
    yield from one(params["requestedSchema"], Part.USER)


def _logged(params: Node) -> Iterator[Segment]:
    yield from strings(params["message"], Part.TOOL_RESULT)
    yield from one(params["data"], Part.TOOL_RESULT)


def _tools(tools: Node) -> Iterator[Segment]:
    for tool in tools:
        yield from one(tool, Part.TOOL_DEFINITION)


def _listed(items: Node) -> Iterator[Segment]:
    for item in items:
        yield from one(item, Part.DOCUMENT)


def _contents(contents: Node) -> Iterator[Segment]:
    for item in contents:
        yield from one(item["text"], Part.DOCUMENT)


def _prompted(messages: Node) -> Iterator[Segment]:
    for message in messages:
        yield from content(message["content"], part_of_role(message["role"].text()))


def _whole(part: Part) -> _Reader:
    return lambda node: one(node, part)


_REQUESTS: dict[str, _Reader] = {
    "tools/call": _called,
    "resources/read": _read,
    "prompts/get": _filled,
    "completion/complete": _filled,
    "sampling/createMessage": _sampled,
    "elicitation/create": _elicited,
    "notifications/progress": _logged,
    "notifications/message": _logged,
}
# Lists, subscriptions and the like: their parameters are in the skeleton.
_WITHOUT_TEXTS = frozenset(
    {
        "initialize",
        "ping",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/subscribe",
        "resources/unsubscribe",
        "prompts/list",
        "roots/list",
        "logging/setLevel",
        "tasks/get",
        "tasks/list",
        "tasks/result",
        "tasks/cancel",
        "notifications/initialized",
    }
)
_RESULTS: dict[str, _Reader] = {
    "tools": _tools,
    "content": lambda node: content(node, Part.TOOL_RESULT),
    "structuredContent": _whole(Part.TOOL_RESULT),
    "contents": _contents,
    "messages": _prompted,
    "description": _whole(Part.DOCUMENT),
    "resources": _listed,
    "resourceTemplates": _listed,
    "prompts": _listed,
    "completion": lambda node: strings(node["values"], Part.TOOL_RESULT),
    "instructions": _whole(Part.SYSTEM),
    # A server's name and description are shown to models too.
    "serverInfo": _whole(Part.SYSTEM),
}
