"""What a model's tokens cost: rates by kind, with the steps of long contexts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

PER_MILLION = 1_000_000
PER_THOUSAND = 1_000
# Sound is counted by the second.
PER_HOUR = 3_600

# The kinds of an invoice's lines, each token in exactly one. A fee's kind is its name in `Usage.tool_fees`.
TOKEN_KINDS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "input_audio",
    "cache_audio_read",
    "input_image",
    "output",
    "reasoning",
    "output_audio",
    "output_image",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """US dollars for `per` units. `steps` are (tokens, dollars): above so many input tokens, all units cost that."""

    base: Decimal
    steps: tuple[tuple[int, Decimal], ...] = ()
    per: int = PER_MILLION

    def at(self, input_tokens: int) -> Decimal:
        """The rate of a call that reads so many tokens, the cached ones included."""
        rate = self.base
        for above, dollars in self.steps:
            if input_tokens > above:
                rate = dollars
        return rate


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """The rates of one model in one tier at one time.

    `folds` are the kinds that, with no rate of their own, cost what the kind they are a part of costs; other kinds
    without a rate have an unknown price. `once` are the fees that a call pays once, however often it used the tool.
    `uncounted` says what this model is billed for that no usage tells.
    """

    model: str
    source: str
    rates: Mapping[str, Rate]
    folds: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()
    uncounted: str | None = None

    def separate(self, kind: str) -> bool:
        """Whether tokens of this kind are a line of their own."""
        return kind in self.rates or kind not in self.folds
