"""The plugin: a section of configuration, and detections of what the scanner found."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field

from midwatch_core import ConfigError, Detection, Part, Section, Text, View, hookimpl
from midwatch_pii.allowed import Allowed
from midwatch_pii.families import ALL
from midwatch_pii.families.contact import regional_phone
from midwatch_pii.ner.asking import Ner, Patterns
from midwatch_pii.ner.settings import NerSettings
from midwatch_pii.recogniser import Recogniser
from midwatch_pii.scanner import Hit, Scanner

# Ways of encoding that keep what was written; a number read backwards, or digits taken for letters, are nobody's.
_ENCODED = frozenset({"base64", "hex", "url", "html", "unicode", "tags", "selectors"})
KINDS = tuple(sorted({one.kind for one in ALL}))


class _Found(NamedTuple):
    """A value, as read, and the code points of the original that it was read from."""

    value: str
    hit: Hit
    span: tuple[int, int]


class Pii:
    """Detections of category `pii`; `kind` names the data (`EMAIL`, `PHONE`, `CARD`, …)."""

    class Config(Section):
        """The section `pii`."""

        kinds: tuple[str, ...] = Field(KINDS, description="Kinds of personal data to look for.")
        allow: tuple[str, ...] = Field((), description="RE2 patterns of whole values that are no finding, case aside.")
        regions: tuple[str, ...] = Field(
            (),
            description="Regions (ISO 3166: DE, FR) whose local phone numbers count with no word for a phone near.",
        )
        least_confidence: float = Field(0.5, ge=0, le=1, description="Detections less sure than this are dropped.")
        ner: NerSettings = Field(default_factory=NerSettings)

    def __init__(self, config: Config | None = None) -> None:
        """Raises ConfigError for an unknown kind or region, or a pattern that can't be read."""
        settings = config or self.Config()
        unknown = sorted(set(settings.kinds) - set(KINDS))
        if unknown:
            raise ConfigError(f"pii.kinds: {', '.join(unknown)} unknown; known are {', '.join(KINDS)}")
        self._least = settings.least_confidence
        self._allowed = Allowed(settings.allow)
        self._recognisers = [one for one in (*ALL, *_regional(settings.regions)) if one.kind in settings.kinds]
        self._scanner: Scanner | None = None
        if settings.ner.is_wanted:
            ner = self._names_by_model(settings)
            # Hooks of this instance alone: without the model nobody is to ask, and nothing begins or ends.
            self.classify_text, self.health, self.metrics = ner.classify_text, ner.health, ner.metrics
            self.startup, self.shutdown = ner.startup, ner.shutdown

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        """Personal data in one text, also encoded, spans in its original."""
        readable = list(self._found(text.normalised))
        views = [view for view in text.decoded if _ENCODED.issuperset(view.how.split("+"))]
        hidden = _hidden((one for view in views for one in self._found(view)), text, readable) if views else ()
        return [_detection(one.hit, one.span) for one in (*readable, *hidden)]

    def _names_by_model(self, settings: Config) -> Ner:
        """Kinds that patterns have too are asked for where these are; nothing less sure than all else may be."""
        least = {
            kind: max(share, settings.least_confidence)
            for kind, share in settings.ner.kinds.items()
            if kind not in KINDS or kind in settings.kinds
        }
        patterns = Patterns(hits=lambda text, part: self.inspect_text(Text(text), part), is_allowed=self._allowed)
        return Ner(settings.ner, least, patterns)

    def _ready(self) -> Scanner:
        """Compiled when first needed: commands that inspect nothing do not wait a tenth of a second for it."""
        if self._scanner is None:
            self._scanner = Scanner(self._recognisers)
        return self._scanner

    def _found(self, view: View) -> Iterator[_Found]:
        for hit in self._ready().scan(view.text):
            value = view.text[hit.start : hit.end]
            if hit.confidence >= self._least and not self._allowed(hit.recogniser.kind, value):
                yield _Found(value, hit, view.span(hit.start, hit.end))


def _hidden(decoded: Iterable[_Found], text: Text, readable: Sequence[_Found]) -> Iterator[_Found]:
    """Values that stand nowhere as they are: what was readable before decoding was seen, and judged by what is near."""
    starts = [one.span[0] for one in readable]
    seen: set[tuple[int, int]] = set()
    for one in decoded:
        start, end = one.span
        at = bisect_left(starts, end) - 1
        is_readable = text.original[start:end] == one.value or (at >= 0 and readable[at].span[1] > start)
        if not is_readable and one.span not in seen:
            seen.add(one.span)
            yield one


def _regional(regions: tuple[str, ...]) -> list[Recogniser]:
    unknown = sorted(set(regions) - SUPPORTED_REGIONS)
    if unknown:
        raise ConfigError(f"pii.regions: {', '.join(unknown)} unknown; ISO 3166 has two capitals: DE, FR, US")
    return [regional_phone(regions)] if regions else []


def _detection(hit: Hit, span: tuple[int, int]) -> Detection:
    one = hit.recogniser
    return Detection(
        rule=f"pii/{one.rule}",
        category="pii",
        severity=one.severity,
        confidence=hit.confidence,
        message=one.title,
        start=span[0],
        end=span[1],
        owasp=("LLM02:2025",),
        kind=one.kind,
    )
