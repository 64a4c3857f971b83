"""Findings become replacements: in a body that goes on, and, irreversibly, in what is kept. Findings move along."""

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from midwatch_core.body_edits import Edit, Replacement, replaced
from midwatch_core.model.changing import changed
from midwatch_core.model.content import Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Direction, Segment

# What stands instead of a piece of text, told by the finding and that piece.
type Namer = Callable[[Finding, str], str]

# Shorter values are too common to be looked for in the words of an error.
SHORTEST_ECHO = 6
_LONGEST_EVIDENCE = 200


def placeholder_key(installation_key: bytes, tenant: str) -> bytes:
    """The key of a tenant's placeholders: the same on each worker and after a restart, and of no use for hashes."""
    return hmac.digest(installation_key, b"placeholders\0" + tenant.encode(), hashlib.sha256)


def replacements_of(findings: Iterable[Finding], text: str, name: Namer) -> tuple[Replacement, ...]:
    """One replacement for each stretch of `text` that findings cover; where they overlap, the longest names it."""
    made: list[tuple[int, int, Finding]] = []
    for finding in sorted(findings, key=lambda item: (item.start or 0, -(item.end or 0))):
        start, end = finding.start or 0, min(finding.end or 0, len(text))
        if start >= end:
            continue
        if made and start < made[-1][1]:
            before, reach, first = made[-1]
            longest = max((first, finding), key=lambda item: (item.end or 0) - (item.start or 0))
            made[-1] = (before, max(reach, end), longest)
        else:
            made.append((start, end, finding))
    return tuple(Replacement(start=a, end=b, text=name(finding, text[a:b])) for a, b, finding in made)


def edits_of(findings: Iterable[Finding], segments: Iterable[Segment], name: Namer) -> list[Edit]:
    """The edits of a body that replace what was found in its segments."""
    by_path = _by_path(findings)
    return [
        Edit(path=segment.path, text=segment.text, replacements=found)
        for segment in segments
        if segment.path in by_path and (found := replacements_of(by_path[segment.path], segment.text, name))
    ]


def rebased(finding: Finding, replacements: Sequence[Replacement]) -> Finding:
    """A finding of a text, as it lies in the text with the replacements made."""
    if finding.start is None or finding.end is None or not replacements:
        return finding
    return replace(
        finding,
        start=_moved(finding.start, replacements, at_end=False),
        end=_moved(finding.end, replacements, at_end=True),
    )


def masked_exchange(exchange: Exchange, name: Namer, *, hidden: Collection[str] = ()) -> Exchange:
    """The exchange with every value that has a kind masked; spans of findings are those of the masked texts.

    Findings whose ids are in `hidden` have been masked on the way already.
    What was masked is masked too where parameters, skeletons, a provider's error or one on the way repeat it.
    """
    bare = [item for item in exchange.findings if item.kind and item.path is not None and item.id not in hidden]
    if not bare:
        return exchange
    names: dict[str, str] = {}

    def remembering(finding: Finding, text: str) -> str:
        names[text] = name(finding, text)
        return names[text]

    request, moved = _masked_segments(exchange, Direction.REQUEST, bare, remembering)
    response, moved_back = _masked_segments(exchange, Direction.RESPONSE, bare, remembering)
    changes: dict[str, object] = {
        "request": changed(
            exchange.request,
            segments=request,
            body=_echoless(exchange.request.body, names),
            parameters=_echoless(dict(exchange.request.parameters), names),
        ),
        "error": _echoless(exchange.error, names),
    }
    if exchange.response is not None:
        changes["response"] = _without_echo(changed(exchange.response, segments=response), names)
    texts = {(Direction.REQUEST, item.path): item.text for item in request}
    texts |= {(Direction.RESPONSE, item.path): item.text for item in response}
    findings = tuple(_kept(finding, moved | moved_back, texts) for finding in exchange.findings)
    return changed(exchange, findings=findings, **changes)


def without_values(exchange: Exchange, values: Mapping[str, str]) -> Exchange:
    """The exchange whose answer has placeholders again where values (placeholder → value) were put back for its client.

    For an answer that nobody has inspected yet: what was redacted on its way out is known all the same.
    """
    response = exchange.response
    if response is None or not values:
        return exchange
    names = {value: name for name, value in values.items()}
    names |= {orjson.dumps(_utf8(value)).decode()[1:-1]: name for name, value in values.items()}
    segments = tuple(changed(item, text=_echoless(item.text, names)) for item in response.segments)
    return changed(exchange, response=_without_echo(changed(response, segments=segments), names))


def _utf8(value: str) -> str:
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


type _Place = tuple[Direction, str]


def _masked_segments(
    exchange: Exchange, direction: Direction, bare: Sequence[Finding], name: Namer
) -> tuple[tuple[Segment, ...], dict[_Place, tuple[Replacement, ...]]]:
    content = exchange.request if direction is Direction.REQUEST else exchange.response
    if content is None:
        return (), {}
    by_path = _by_path(item for item in bare if item.direction is direction)
    masked: list[Segment] = []
    moved: dict[_Place, tuple[Replacement, ...]] = {}
    for segment in content.segments:
        found = by_path.get(segment.path)
        if found:
            made = moved[direction, segment.path] = replacements_of(found, segment.text, name)
            masked.append(changed(segment, text=replaced(segment.text, made)))
        else:
            masked.append(segment)
    return tuple(masked), moved


def _kept(finding: Finding, moved: Mapping[_Place, tuple[Replacement, ...]], texts: Mapping[_Place, str]) -> Finding:
    """The finding where it now lies; what it shows of the text around a masked value is masked as well."""
    if finding.path is None:
        return finding
    place = finding.direction, finding.path
    if place not in moved:
        return finding
    now = rebased(finding, moved[place])
    if finding.kind or now.start is None:
        return now
    shown = texts.get(place, "")[now.start : now.end]
    return replace(now, evidence=shown if len(shown) <= _LONGEST_EVIDENCE else f"{shown[:_LONGEST_EVIDENCE]}…")


def _without_echo(response: Response, names: Mapping[str, str]) -> Response:
    error = response.error
    if error is not None and error.message:
        error = replace(error, message=_echoless(error.message, names))
    return changed(response, error=error, body=_echoless(response.body, names))


def _echoless(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value whose strings no longer hold what was masked elsewhere; a skeleton's depth is bounded."""
    if isinstance(value, str):
        for found, name in names.items():
            if len(found) >= SHORTEST_ECHO and found in value:
                value = value.replace(found, name)
        return value
    if isinstance(value, dict):
        return {key: _echoless(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_echoless(item, names) for item in value]
    return value


def _by_path(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.path is not None and finding.start is not None:
            by_path.setdefault(finding.path, []).append(finding)
    return by_path


def _moved(at: int, replacements: Sequence[Replacement], *, at_end: bool) -> int:
    """Where a code point of the text is now; inside a replacement, that one's start or end."""
    shift = 0
    for item in replacements:
        if at <= item.start:
            break
        if at < item.end or (at_end and at == item.end):
            return item.start + shift + (len(item.text) if at_end else 0)
        shift += len(item.text) - (item.end - item.start)
    return at + shift
