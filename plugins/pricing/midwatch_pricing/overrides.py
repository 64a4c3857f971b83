"""The user's own prices: a YAML file of rates by provider and model, which come before all published ones."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Annotated

import re2
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from midwatch_core import ConfigError, Section, read_yaml
from midwatch_pricing.rates import PER_THOUSAND, TOKEN_KINDS, Rate, RateCard
from midwatch_pricing.tiers import STANDARD

type Dollars = Annotated[Decimal, Field(ge=0, max_digits=18, allow_inf_nan=False)]

_EXACT = Context(prec=80)


class TokenRates(Section):
    """US dollars for a million tokens of each kind. A kind left out costs what its whole (input, output) costs."""

    input: Dollars | None = None
    cache_read: Dollars | None = None
    cache_write_5m: Dollars | None = None
    cache_write_1h: Dollars | None = None
    input_audio: Dollars | None = None
    cache_audio_read: Dollars | None = None
    input_image: Dollars | None = None
    output: Dollars | None = None
    reasoning: Dollars | None = None
    output_audio: Dollars | None = None
    output_image: Dollars | None = None

    def given(self) -> dict[str, Decimal]:
        """The rates that are there, by kind."""
        return {kind: rate for kind in TOKEN_KINDS if (rate := getattr(self, kind)) is not None}


class LongContext(TokenRates):
    """Rates of a call that reads more than `above` tokens; they are for all of its tokens."""

    above: int = Field(gt=0)


class Override(TokenRates):
    """The prices of one model, or of those that a pattern names.

    `provider` and `model` are names, globs (`*`, `?`) or `/regular expressions/` (RE2, the whole name); case does not
    matter. `fees` are US dollars for a thousand calls of a tool. `tiers` are factors on the token rates. `from` is the
    first day (UTC). `like` takes the published prices of another provider instead of rates given here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    provider: str = Field(min_length=1)
    model: str = Field("*", min_length=1)
    fees: Mapping[str, Dollars] = Field(default_factory=dict)
    tiers: Mapping[str, Dollars] = Field(default_factory=dict)
    long_context: tuple[LongContext, ...] = ()
    begins: date = Field(date.min, alias="from")
    like: str | None = None

    @field_validator("provider", "model")
    @classmethod
    def _compiles(cls, name: str) -> str:
        _compile(name)
        return name

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Override":
        if self.like is None and self.input is None:
            raise ValueError("give at least `input`, in US dollars for a million tokens, or `like: PROVIDER`")
        if self.like is not None and (self.given() or self.fees or self.tiers or self.long_context):
            raise ValueError("`like` takes another provider's prices: give no rates beside it")
        return self


class OverrideFile(Section):
    """The file: one list, under `prices`."""

    prices: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    spec: Override
    provider: "re.Pattern[str]"
    model: "re.Pattern[str]"
    card: RateCard

    def applies(self, provider: str, model: str, at: datetime) -> bool:
        return (
            self.spec.begins <= at.date()
            and self.model.fullmatch(model.lower()) is not None
            and self.provider.fullmatch(provider.lower()) is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """The answer of an entry that takes another provider's prices."""

    provider: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """The entries of one file. A name given in full comes before a pattern, then the later `from`, then file order."""

    entries: tuple[_Entry, ...] = field(default_factory=tuple)
    name: str = ""

    def find(self, provider: str, model: str, tier: str, at: datetime) -> RateCard | Like | str | None:
        """A rate card, a provider whose prices hold, why there is no price, or None for no entry. `at` is in UTC."""
        for entry in self.entries:
            if entry.applies(provider, model, at):
                return Like(provider=entry.spec.like) if entry.spec.like else self._card(entry, tier)
        return None

    def likes(self) -> list[str]:
        """The providers that entries take their prices from."""
        return [entry.spec.like for entry in self.entries if entry.spec.like]

    def _card(self, entry: _Entry, tier: str) -> RateCard | str:
        if tier == STANDARD:
            return entry.card
        factor = entry.spec.tiers.get(tier)
        if factor is None:
            return f"{self.name} has no factor for service tier {tier!r} of {entry.spec.provider} {entry.spec.model}"
        rates = {kind: _times(rate, factor, kind) for kind, rate in entry.card.rates.items()}
        return RateCard(model=entry.card.model, source=entry.card.source, rates=rates, folds=entry.card.folds)


def read_overrides(file: Path) -> Overrides:
    """The table in a file. Raises ConfigError: one line naming file, key and what would be right."""
    document = read_yaml(file)
    try:
        specs = OverrideFile.model_validate(document).prices
    except ValidationError as error:
        raise ConfigError(_explain(file, error)) from error
    entries = sorted((_entry(spec, file.name) for spec in specs), key=_rank)
    return Overrides(tuple(entries), file.name)


def _rank(entry: _Entry) -> tuple[bool, bool, int]:
    return _is_pattern(entry.spec.model), _is_pattern(entry.spec.provider), -entry.spec.begins.toordinal()


def _entry(spec: Override, name: str) -> _Entry:
    given = spec.given()
    rates = {kind: Rate(base=rate, steps=_steps(spec, kind)) for kind, rate in given.items()}
    for fee, dollars in spec.fees.items():
        rates[fee] = Rate(base=dollars, per=PER_THOUSAND)
    folds = frozenset(TOKEN_KINDS) - {"input", "output"}
    card = RateCard(model=f"{spec.provider} {spec.model}", source=name, rates=rates, folds=folds)
    return _Entry(spec, _compile(spec.provider), _compile(spec.model), card)


def _steps(spec: Override, kind: str) -> tuple[tuple[int, Decimal], ...]:
    ordered = sorted(spec.long_context, key=lambda step: step.above)
    return tuple((step.above, rate) for step in ordered if (rate := step.given().get(kind)) is not None)


def _times(rate: Rate, factor: Decimal, kind: str) -> Rate:
    """A tier's rate; fees are the same in all tiers."""
    if kind not in TOKEN_KINDS:
        return rate
    steps = tuple((above, _EXACT.multiply(dollars, factor)) for above, dollars in rate.steps)
    return Rate(base=_EXACT.multiply(rate.base, factor), steps=steps, per=rate.per)


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name or _is_expression(name)


def _is_expression(name: str) -> bool:
    return len(name) > 2 and name.startswith("/") and name.endswith("/")


def _compile(name: str) -> "re.Pattern[str]":
    """A name, glob or expression as one pattern. Raises ValueError."""
    body = name[1:-1] if _is_expression(name) else re.escape(name.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(body, options)  # type: ignore[no-any-return]  # re2 has no types; its patterns act as re's
    except re2.error as error:
        raise ValueError(f"not an RE2 pattern: {error}") from error


def _explain(file: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    key = ".".join(place) or "(top)"
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(_keys(place)))
        return f"{file}: {key}: no such key; there are {known}"
    found = "" if first["type"] in {"missing", "value_error"} else f" (found {first['input']!r:.60})"
    return f"{file}: {key}: {first['msg'].removeprefix('Value error, ')}{found}"


def _keys(place: list[str]) -> set[str]:
    model: type[Section] = OverrideFile if len(place) < 2 else LongContext if "long_context" in place else Override
    return {info.alias or name for name, info in model.model_fields.items()}
