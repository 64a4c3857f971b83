"""Packs matched on texts: every view, each rule's terms, exceptions, checks and context, and no span twice."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from midwatch_core.model.detection import Detection
from midwatch_core.model.segment import Part
from midwatch_core.rulepack.candidates import Candidates, Found
from midwatch_core.rulepack.compiling import Pack, Pattern, Rule
from midwatch_core.rulepack.errors import RulePackError
from midwatch_core.rulepack.prefilter import DEFAULT_MEMORY
from midwatch_core.rulepack.reading import ENGINE_VERSION
from midwatch_core.rulepack.scanning import Scan, Span
from midwatch_core.views import Text

type Validator = Callable[[str], bool]

MAX_FINDINGS = 1_000
# Of a rule that finds no value to be masked, so many findings in a text say all there is to say.
ENOUGH = 20
# How many matches of a rule in one view are looked at for each finding it may report: the rest fail checks.
_TRIES = 5
_NEAR = 80
_PLAIN = frozenset({"original", "normalised"})


class RuleSet:
    """Packs that match together.

    `validators` are the checks that rules name by `validate`. At most `max_findings` of a rule are reported for a
    text, and of one without a `kind` (nobody masks what it finds) at most ENOUGH; `cut` counts by rule the texts that
    had more. `misses` counts texts on which a prefilter gave up and patterns were tried alone. `version` changes with
    any pack. Raises RulePackError for a rule id that two packs have, and for a check that is not there.
    """

    def __init__(
        self,
        packs: Iterable[Pack],
        *,
        validators: Mapping[str, Validator] | None = None,
        max_findings: int = MAX_FINDINGS,
        max_mem: int = DEFAULT_MEMORY,
    ) -> None:
        self.packs = tuple(packs)
        self.rules = tuple(rule for pack in self.packs for rule in pack.rules)
        self.validators = dict(validators or {})
        self.max_findings = max_findings
        self.cut: Counter[str] = Counter()
        self._max_mem = max_mem
        self._by_part: dict[Part, Candidates] = {}
        self._by_rules: dict[tuple[int, ...], Candidates] = {}
        _check(self.packs, self.validators)
        self.version = _version(self.packs, max_findings)

    @property
    def misses(self) -> int:
        """Texts on which a prefilter could not tell; nothing was missed, it only took longer."""
        return sum(candidates.misses for candidates in self._by_rules.values())

    def match(self, text: Text, part: Part) -> list[Detection]:
        """What the rules for `part` find in a text, by place; the same rule on the same span is reported once."""
        candidates = self._for_part(part)
        best: dict[str, dict[Span, Detection]] = {}
        for scan in _scans(text):
            for found in candidates.of(scan):
                of_rule = best.setdefault(found.rule.id, {})
                if _sees(found.rule, scan) and len(of_rule) <= self._most(found.rule.spec.kind):
                    self._add(found, scan, of_rule)
        return self._bounded(_outermost(chain.from_iterable(one.values() for one in best.values())))

    def _most(self, kind: str) -> int:
        """How many findings of one rule a text may have."""
        return self.max_findings if kind else min(ENOUGH, self.max_findings)

    def _add(self, found: Found, scan: Scan, best: dict[Span, Detection]) -> None:
        """Add what a rule finds in a view, up to one more than may be reported."""
        most = self._most(found.rule.spec.kind)
        for detection in self._detections(found, scan):
            span = (detection.start, detection.end)
            if span not in best or best[span].confidence < detection.confidence:
                best[span] = detection
                if len(best) > most:
                    return

    def _for_part(self, part: Part) -> Candidates:
        """Parts that have the same rules share their Sets."""
        if part not in self._by_part:
            indexes = tuple(n for n, rule in enumerate(self.rules) if _is_for(rule, part))
            if indexes not in self._by_rules:
                self._by_rules[indexes] = Candidates([self.rules[n] for n in indexes], max_mem=self._max_mem)
            self._by_part[part] = self._by_rules[indexes]
        return self._by_part[part]

    def _detections(self, candidate: Found, scan: Scan) -> Iterator[Detection]:
        rule = candidate.rule
        spans = _spans(candidate, scan)
        if (first := next(spans, None)) is None or not _holds(candidate, scan):
            return
        valid = self.validators[rule.spec.validate_] if rule.spec.validate_ else None
        for start, end in islice(chain((first,), spans), self.max_findings * _TRIES):
            if valid is not None and not valid(scan.text[start:end]):
                continue
            confidence = _confidence(rule, scan, (start, end))
            if confidence is None or _is_allowed(rule, scan, (start, end)):
                continue
            yield _detection(rule, confidence, scan.original(start, end))

    def _bounded(self, found: Iterable[Detection]) -> list[Detection]:
        counts: Counter[str] = Counter()
        kept = []
        for detection in found:
            counts[detection.rule] += 1
            if counts[detection.rule] <= self._most(detection.kind):
                kept.append(detection)
            elif counts[detection.rule] == self._most(detection.kind) + 1:
                self.cut[detection.rule] += 1
        return kept


def _check(packs: Sequence[Pack], validators: Mapping[str, Validator]) -> None:
    seen: dict[str, str] = {}
    for pack in packs:
        for rule in pack.rules:
            where = f"{pack.name}: rule {rule.spec.id}"
            if rule.id in seen:
                raise RulePackError(f"{where}: id: {rule.id} is also in {seen[rule.id]}")
            seen[rule.id] = pack.name
            if rule.spec.validate_ and rule.spec.validate_ not in validators:
                known = ", ".join(sorted(validators)) or "none"
                raise RulePackError(f"{where}: validate: no check {rule.spec.validate_} (there are: {known})")


def _version(packs: Sequence[Pack], max_findings: int) -> str:
    parts = [str(ENGINE_VERSION), str(max_findings), *sorted(pack.digest for pack in packs)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def _is_for(rule: Rule, part: Part) -> bool:
    where = rule.spec.where
    # What is to be embedded is a document that a retriever will bring back.
    embedded = part is Part.EMBEDDING_INPUT and Part.DOCUMENT in where
    return rule.spec.maturity != "deprecated" and (not where or part in where or embedded)


def _scans(text: Text) -> Iterator[Scan]:
    """The views; the text as written is always among them, for rules that want it alone."""
    written = False
    for view in text.views():
        how = "original" if view.text == text.original else view.how
        written = written or how == "original"
        yield Scan(view.text, how, view.span)
    if not written:
        yield Scan(text.original, "original", lambda start, end: (start, end))


def _sees(rule: Rule, scan: Scan) -> bool:
    wanted = rule.spec.views
    return wanted == "all" or scan.how == "original" or (wanted == "plain" and scan.how in _PLAIN)


def _holds(candidate: Found, scan: Scan) -> bool:
    """What is decided once for a view: `all`, `none`, and exceptions over the whole text."""
    rule = candidate.rule
    if any(next(scan.spans(pattern, 0, windows), None) is None for pattern, windows in candidate.all):
        return False
    if any(scan.has(pattern) for pattern in rule.none):
        return False
    return not any(allow.over == "text" and scan.has(allow.pattern) for allow in rule.allow)


def _spans(candidate: Found, scan: Scan) -> Iterator[Span]:
    for pattern, windows in candidate.any if candidate.rule.any else candidate.all[:1]:
        yield from scan.spans(pattern, candidate.rule.spec.group, windows)


def _confidence(rule: Rule, scan: Scan, span: Span) -> float | None:
    """The rule's confidence, raised by its context; None if a word that is needed is not near."""
    context = rule.spec.context
    if context is None or rule.context is None:
        return rule.spec.confidence
    start, end = span
    before = scan.text[max(0, start - context.within) : start]
    after = scan.text[end : end + context.within]
    if _found(rule.context, before) or _found(rule.context, after):
        return min(1.0, round(rule.spec.confidence + context.boost, 4))
    return None if context.needed else rule.spec.confidence


def _is_allowed(rule: Rule, scan: Scan, span: Span) -> bool:
    start, end = span
    reach = {"match": 0, "near": _NEAR}
    return any(
        _found(allow.pattern, scan.text[max(0, start - reach[allow.over]) : end + reach[allow.over]])
        for allow in rule.allow
        if allow.over in reach
    )


def _found(pattern: Pattern, text: str) -> bool:
    return pattern.compiled.search(text.encode("utf-8", "surrogatepass")) is not None


def _detection(rule: Rule, confidence: float, span: Span) -> Detection:
    spec = rule.spec
    return Detection(
        rule=rule.id,
        category=spec.category,
        severity=spec.severity,
        confidence=confidence,
        message=spec.title,
        start=span[0],
        end=span[1],
        owasp=spec.owasp,
        kind=spec.kind,
    )


def _outermost(found: Iterable[Detection]) -> Iterator[Detection]:
    """By place, without those that lie inside another of the same rule: views overlap."""
    reach: dict[str, int] = {}
    for detection in sorted(found, key=lambda d: (d.start, -d.end, d.rule)):
        if detection.end > reach.get(detection.rule, -1):
            reach[detection.rule] = detection.end
            yield detection
