"""Each rule timed on text made against it, when its pack is loaded: a pack that would stall traffic is refused."""

import re
import time
from bisect import bisect_left
from collections.abc import Iterator

from midwatch_core.rulepack.blocks import blocks_of
from midwatch_core.rulepack.compiling import Pack, Rule
from midwatch_core.rulepack.errors import RulePackError
from midwatch_core.rulepack.prefilter import Prefilter
from midwatch_core.rulepack.scanning import Scan, Span

SIZE = 16 * 1024
# CPU seconds for one rule over 16 KB. Rules that behave take less than a hundredth of it.
DEFAULT_BUDGET_S = 0.15
_MOST_MATCHES = 5_000
_LITERAL = re.compile(r"[\w@:/.=-]{2,}")
_NOT_LITERAL = re.compile(r"\\p?\{[^}]*\}|\\.|\[[^\]]*\]|\{[\d,]*\}|\(\?[a-zA-Z:<>]*|[()*+?^$]")


def check_speed(pack: Pack, budget_s: float = DEFAULT_BUDGET_S) -> None:
    """Raises RulePackError naming the first rule of which a pattern takes longer than the budget, twice."""
    for rule in pack.rules:
        for text in hostile_texts(rule):
            scan = Scan(text, "original", _same)
            if _cost(rule, scan) > budget_s and (took := _cost(rule, scan)) > budget_s:
                raise RulePackError(
                    f"{pack.name}: rule {rule.spec.id}: match: takes {took:.3f} s of CPU on {SIZE} characters "
                    f"of hostile text, {budget_s} s are allowed"
                )
    _check_together(pack, budget_s)


def hostile_texts(rule: Rule) -> Iterator[str]:
    """Texts of 16 KB from the rule's own words: repeated, glued, half matched, and with long runs after a start."""
    words = _own_words(rule)
    yield _filled(" ".join(words) + " ")
    yield _filled("".join(words))
    yield _filled(rule.spec.examples.match[0][:-1] + " ")
    for run in ("a", "0", " "):
        yield (words[0] + run * SIZE)[:SIZE]


def _check_together(pack: Pack, budget_s: float) -> None:
    """The Set of all rules, timed on their words in disorder; the rule by which it became too slow is named."""
    scan = Scan(_disordered([word for rule in pack.rules for word in _own_words(rule)]), "original", _same)

    def is_slow(count: int) -> bool:
        anchors = {p.pieces.anchor for rule in pack.rules[:count] for p in (*rule.any, *rule.all)}
        return _set_cost(sorted(anchors - {""}), scan) > budget_s

    if not is_slow(len(pack.rules)) or not is_slow(len(pack.rules)):
        return
    first = bisect_left(range(1, len(pack.rules) + 1), True, key=is_slow)
    culprit = pack.rules[min(first, len(pack.rules) - 1)]
    raise RulePackError(
        f"{pack.name}: rule {culprit.spec.id}: match: with the rules before it, it takes more than {budget_s} s of CPU "
        f"on {SIZE} characters of hostile text"
    )


def _set_cost(sources: list[str], scan: Scan) -> float:
    prefilter = Prefilter(sources)
    before = time.thread_time()
    blocks_of(scan.data, prefilter)
    return time.thread_time() - before


def _disordered(words: list[str]) -> str:
    known = sorted(set(words))
    return " ".join(known[(n * n * 31 + n * 7919) % len(known)] for n in range(SIZE // 2))[:SIZE]


def _same(start: int, end: int) -> Span:
    return start, end


def _own_words(rule: Rule) -> list[str]:
    words = list(rule.spec.keywords)
    for pattern in (*rule.any, *rule.all):
        words += _LITERAL.findall(_NOT_LITERAL.sub(" ", pattern.source))
    return sorted(set(words), key=lambda word: (len(word), word))[:200] or ["aA0"]


def _filled(unit: str) -> str:
    return (unit * (SIZE // len(unit) + 1))[:SIZE]


def _cost(rule: Rule, scan: Scan) -> float:
    """CPU seconds of this thread: a loaded machine does not count."""
    before = time.thread_time()
    for pattern in (*rule.any, *rule.all, *rule.none):
        for count, _ in enumerate(pattern.compiled.finditer(scan.data)):
            if count >= _MOST_MATCHES:
                break
    return time.thread_time() - before
