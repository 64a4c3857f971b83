"""Words: a message as it is to be read, each text clean, masked and cut. Channels escape them, and add none."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from midwatch_alerts.wording.plain import cut

# What is tried, in characters, until a service's limit is kept: escaping can make a text several times longer.
_BUDGETS = (12_000, 6000, 3000, 1500, 700, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is said of one incident. `facts` are names with values; the links are empty where there are none."""

    title: str
    facts: Sequence[tuple[str, str]]
    advice: str
    page: str
    acknowledge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`subject` is one line, `lead` says why this is sent. `more` counts incidents that are not among the items. `own`
    is a template's text, which stands for all but the subject.
    """

    subject: str
    lead: str
    items: Sequence[Item]
    more: int = 0
    own: str | None = None

    @property
    def rest(self) -> str:
        """The sentence about those that are left out; empty where none is."""
        if not self.more:
            return ""
        return (
            "There is one more, in the console." if self.more == 1 else f"There are {self.more} more, in the console."
        )


def text_of(words: Words) -> str:
    """All of it as plain text, for whoever has no markup."""
    return "\n".join(text_lines(words))


def text_lines(words: Words) -> Iterator[str]:
    """The lines of the plain text, without the subject."""
    if words.own is not None:
        yield from words.own.splitlines()
        return
    yield words.lead
    for item in words.items:
        yield ""
        yield from _item_lines(item)
    if words.rest:
        yield ""
        yield words.rest


def fitted[T](words: Words, draw: Callable[[Words], T], size: Callable[[T], int], most: int) -> T:
    """What `draw` makes of as many of the words as keep its `size` within `most`."""
    for budget in _BUDGETS:
        drawn = draw(shortened(words, budget))
        if size(drawn) <= most:
            break
    return drawn


def shortened(words: Words, most: int) -> Words:
    """The same in about so many characters: the last incidents go first, then details of the one that is left."""
    if words.own is not None:
        return replace(words, own=cut(words.own, max(most, 300)))
    kept: list[Item] = []
    size = len(words.lead)
    for item in words.items:
        short = item if kept else _with_fewer_facts(item, most - size)
        size += _size(short)
        if kept and size > most:
            break
        kept.append(short)
    return replace(words, items=kept, more=words.more + len(words.items) - len(kept))


def _with_fewer_facts(item: Item, room: int) -> Item:
    room -= _size(replace(item, facts=()))
    facts = []
    for name, value in item.facts:
        room -= len(name) + len(value) + 5
        if room < 0:
            break
        facts.append((name, value))
    return replace(item, facts=facts)


def _size(item: Item) -> int:
    return sum(len(line) + 1 for line in _item_lines(item))


def _item_lines(item: Item) -> Iterator[str]:
    yield item.title
    for name, value in item.facts:
        yield f"  {name}: {value}"
    if item.advice:
        yield item.advice
    if item.page:
        yield f"See it: {item.page}"
    if item.acknowledge:
        yield f"Acknowledge it: {item.acknowledge}"
