"""What one request changed against another, and where the provider's prompt cache stopped holding.

A cache holds as far as two prompts begin alike. Providers put tools first, then the system prompt, then the messages
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching, https://platform.openai.com/docs/guides/prompt-caching):
the first text in that order that differs is the one that broke it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from midwatch_core.model.content import Json, Request
from midwatch_core.model.segment import Part, Segment

# Above this, texts are compared place by place: finding what moved takes the square of their number at worst.
_MOST_ALIGNED = 4000


class Group(StrEnum):
    """The sections of a prompt, in the order in which providers cache them."""

    TOOLS = "tools"
    SYSTEM = "system"
    MESSAGES = "messages"


class Kind(StrEnum):
    """What became of a text."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A text of the earlier request and what stands for it in the later one; None where nothing does."""

    group: Group
    kind: Kind
    before: Segment | None = None
    after: Segment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A setting that differs; None where a request does not have it."""

    name: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where the prompts part: the first text that the cache can't serve, and how much before it is alike.

    `kept` counts texts, `kept_characters` their characters. A text that is only in one request leaves the other None.
    """

    group: Group
    before: Segment | None
    after: Segment | None
    kept: int
    kept_characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDiff:
    """All of it. `breaks` is None where the later prompt goes on from the earlier one, or is its beginning."""

    values: tuple[Value, ...]
    changes: tuple[Change, ...]
    breaks: Break | None

    def count(self, kind: Kind) -> int:
        """How many texts became this."""
        return sum(change.kind is kind for change in self.changes)


def diff_requests(before: Request, after: Request, *, by_hash: bool) -> RequestDiff:
    """Compare two requests. `by_hash` where both are one tenant's: hashes tell apart even what masking made alike."""
    old, new = _Prompt(before, by_hash=by_hash), _Prompt(after, by_hash=by_hash)
    changes = tuple(change for group in Group for change in _changes(group, old.groups[group], new.groups[group]))
    return RequestDiff(values=tuple(_values(before, after)), changes=changes, breaks=_break(old, new))


type _Keyed = tuple[str, Segment]


class _Prompt:
    """A request's texts by section, each with what it is compared by."""

    def __init__(self, request: Request, *, by_hash: bool) -> None:
        self.groups: dict[Group, list[_Keyed]] = {group: [] for group in Group}
        talk = False
        for segment in request.segments:
            talk = talk or segment.part not in (Part.TOOL_DEFINITION, Part.SYSTEM)
            key = segment.hash if by_hash and segment.hash else segment.text
            self.groups[_group(segment.part, talk=talk)].append((f"{segment.part} {key}", segment))

    @property
    def ordered(self) -> Iterator[tuple[Group, str, Segment]]:
        """All texts as the provider caches them."""
        return ((group, key, segment) for group in Group for key, segment in self.groups[group])


def _group(part: Part, *, talk: bool) -> Group:
    """A system text amid the messages is one of them."""
    if part is Part.TOOL_DEFINITION:
        return Group.TOOLS
    return Group.SYSTEM if part is Part.SYSTEM and not talk else Group.MESSAGES


def _changes(group: Group, old: Sequence[_Keyed], new: Sequence[_Keyed]) -> Iterator[Change]:
    for began, ended, start, end in _stretches(old, new):
        same = [key for key, _ in old[began:ended]] == [key for key, _ in new[start:end]]
        kind = Kind.SAME if same else Kind.CHANGED
        paired = min(ended - began, end - start)
        for at in range(paired):
            yield Change(group=group, kind=kind, before=old[began + at][1], after=new[start + at][1])
        for _, segment in old[began + paired : ended]:
            yield Change(group=group, kind=Kind.REMOVED, before=segment)
        for _, segment in new[start + paired : end]:
            yield Change(group=group, kind=Kind.ADDED, after=segment)


def _stretches(old: Sequence[_Keyed], new: Sequence[_Keyed]) -> Iterator[tuple[int, int, int, int]]:
    """Pairs of stretches: alike, or one in place of the other."""
    if max(len(old), len(new)) <= _MOST_ALIGNED:
        matcher = SequenceMatcher(None, [key for key, _ in old], [key for key, _ in new], autojunk=False)
        yield from ((began, ended, start, end) for _, began, ended, start, end in matcher.get_opcodes())
        return
    both = min(len(old), len(new))
    yield from ((at, at + 1, at, at + 1) for at in range(both))
    yield both, len(old), both, len(new)


def _break(old: _Prompt, new: _Prompt) -> Break | None:
    characters = kept = 0
    mine, theirs = old.ordered, new.ordered
    while (one := next(mine, None)) is not None and (other := next(theirs, None)) is not None:
        if one[1] != other[1] or one[0] is not other[0]:
            first = min(one[0], other[0], key=list(Group).index)
            return Break(
                group=first,
                before=one[2] if one[0] is first else None,
                after=other[2] if other[0] is first else None,
                kept=kept,
                kept_characters=characters,
            )
        kept += 1
        characters += len(one[2].text)
    return None


def _values(before: Request, after: Request) -> Iterator[Value]:
    """Model and parameters that differ, and the names of tools."""
    old, new = _settings(before), _settings(after)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Value(name=name, before=old.get(name), after=new.get(name))


def _settings(request: Request) -> Mapping[str, Json]:
    return {"model": request.model, "stream": request.stream, "tools": list(request.tools), **request.parameters}
