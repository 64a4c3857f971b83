"""Rug pulls: a tool whose definition is not the one that this client's tool had before (OWASP LLM03, supply chain)."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midwatch_core import Exchange, Finding, Identity, Part, Segment, Severity
from midwatch_rules_engine.ledger import Ledger
from midwatch_rules_engine.tools_seen import Seen, Sight, ToolsSeen

_MOST_TOOLS = 1024
_MOST_FINDINGS = 10
_TOOLSETS = 1024
# How a tool is sent and called, which clients change from call to call; not what the model reads of it.
_NOT_ITS_OWN = ("cache_control", "defer_loading", "eager_input_streaming", "strict")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    segment: Segment
    name: str
    seen: Seen


class ToolChanges:
    """Looks at the tools that a request offers, or a tool's server lists.

    Without a ledger, what was seen is gone when the process ends.
    """

    def __init__(self, ledger: Ledger | None = None, *, capacity: int = 20_000) -> None:
        self._ledger = ledger
        self._seen = ToolsSeen(capacity)
        # Agents offer the same tools with every call: a toolset that was looked at is known by one hash.
        self._toolsets: OrderedDict[str, None] = OrderedDict()
        self._learn_from_others()

    def tidy(self) -> None:
        """Write the ledger anew, without what is forgotten. For control, once."""
        if self._ledger is not None:
            self._ledger.replace(self._seen.all())

    def findings(self, exchange: Exchange) -> list[Finding]:
        """A finding for each tool with a definition it never had; each definition is reported once."""
        segments = exchange.request.segments if exchange.response is None else exchange.response.segments
        tools = [item for item in segments if item.part is Part.TOOL_DEFINITION][:_MOST_TOOLS]
        owner, client = _owner(exchange), _hash(exchange.identity.user_agent or "")
        if not tools or self._is_known(_hash(owner, client, *(item.hash or item.text for item in tools))):
            return []
        offered = list(_offered(tools, owner, client))
        if any(self._seen.look(item.seen) is not Sight.KNOWN for item in offered):
            self._learn_from_others()
        found = self._changed(offered)
        self._learn(item.seen for item in offered)
        return found

    def _changed(self, offered: Sequence[_Offered]) -> list[Finding]:
        changed = [item for item in offered if self._seen.look(item.seen) is Sight.CHANGED]
        # Where most tools change at once, it is another version of the client, or another program of that name.
        alone = 2 * len(changed) <= len(offered) or len(offered) == 1
        return [
            _finding(item, suspicious=alone and self._seen.same_client(item.seen)) for item in changed[:_MOST_FINDINGS]
        ]

    def _is_known(self, toolset: str) -> bool:
        known = toolset in self._toolsets
        self._toolsets[toolset] = None
        self._toolsets.move_to_end(toolset)
        while len(self._toolsets) > _TOOLSETS:
            self._toolsets.popitem(last=False)
        return known

    def _learn(self, offered: Iterable[Seen]) -> None:
        fresh = []
        for seen in offered:
            if self._seen.look(seen) in (Sight.NEW, Sight.CHANGED):
                fresh.append(seen)
            self._seen.learn(seen)
        if fresh and self._ledger is not None:
            self._ledger.append(fresh)

    def _learn_from_others(self) -> None:
        for seen in self._ledger.news() if self._ledger is not None else ():
            self._seen.learn(seen)


def named(definition: str) -> tuple[str, str]:
    """A tool's name, whichever dialect's, and its definition without what is not its own (such as marks for the cache).

    Both are empty where no name is: a provider's own tool has a type alone, and its settings may change.
    """
    try:
        document = json.loads(definition)
        if not isinstance(document, dict):
            return "", ""
        for key in _NOT_ITS_OWN:
            document.pop(key, None)
        holders = [document, *(document.get(key) for key in ("function", "custom", "toolSpec"))]
        names = (holder.get(key) for key in ("name", "server_label") for holder in holders if isinstance(holder, dict))
        name = next((name for name in names if isinstance(name, str) and name), "")
        return name, json.dumps(document, sort_keys=True)
    except (ValueError, RecursionError):
        return "", ""


def _offered(tools: Iterable[Segment], owner: str, client: str) -> Iterable[_Offered]:
    for tool in tools:
        name, definition = named(tool.text)
        if name:
            yield _Offered(segment=tool, name=name, seen=Seen(_hash(owner, name), _hash(definition), client))


def _owner(exchange: Exchange) -> str:
    """Whose tools: a tenant's client in one dialect (others write the same tool differently).

    A server's own list is its own: tools of two servers may have one name.
    """
    identity, endpoint = exchange.identity, exchange.endpoint
    server = () if exchange.response is None else (endpoint.host, str(endpoint.port), endpoint.path)
    return "\0".join((identity.tenant, _program(identity), endpoint.dialect, *server))


def _program(identity: Identity) -> str:
    return identity.app or identity.agent or (identity.user_agent or "").partition("/")[0]


def _hash(*texts: str) -> str:
    state = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "replace")
        state.update(len(data).to_bytes(8))
        state.update(data)
    return state.hexdigest()


def _finding(tool: _Offered, *, suspicious: bool) -> Finding:
    return Finding(
        id="",
        rule="midwatch/exchange/tool-changed",
        category="tool_poisoning",
        severity=Severity.MEDIUM if suspicious else Severity.LOW,
        confidence=0.6 if suspicious else 0.3,
        message=f"The tool {tool.name[:80]!r} has another definition than before"
        + (", and its client is the same" if suspicious else ""),
        owasp=("LLM03:2025",),
        part=tool.segment.part,
        path=tool.segment.path,
    )
