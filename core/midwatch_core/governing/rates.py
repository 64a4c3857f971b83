"""The dearest rates of a model, learned from the `price` hook by calls that never were, and kept for a minute."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from midwatch_core.governing.bounds import Bound
from midwatch_core.metering import MOST
from midwatch_core.model.changing import changed
from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.usage import Usage

MILLION = 1_000_000
_NANO = 1_000_000_000
# Names of models and hosts come from clients.
_MAX_REMEMBERED = 1024
_LEAST_TOKENS = 1024
# Settings of a request on which its price may depend.
_PRICED_BY = ("service_tier", "speed", "inference_geo")
# As what the input, and the output, may be billed beside the plain kind.
_INPUT_KINDS = (
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
)
_OUTPUT_KINDS = ("reasoning_tokens", "output_audio_tokens", "output_image_tokens")

type Price = Callable[[Exchange], Cost | None]


class Rates(NamedTuple):
    """What a million tokens cost at most, in nano-dollars."""

    input_nano_per_m: int
    output_nano_per_m: int

    def nano(self, input_tokens: int, output_tokens: int) -> int:
        """What so many tokens cost at most, in nano-dollars, rounded up; at most MOST."""
        exact = input_tokens * self.input_nano_per_m + output_tokens * self.output_nano_per_m
        return min(-(-exact // MILLION), MOST)


class _Subject(NamedTuple):
    provider: str
    host: str
    path: str
    model: str | None
    settings: tuple[object, ...]
    minute: int
    input_tokens: int


class RateBook:
    """Rates by model. `price` is the hook: it must be quick, and gives None, or a reason, for what it can't price."""

    def __init__(self, price: Price) -> None:
        self._price = price
        self._remembered: dict[_Subject, Rates | None] = {}

    def rates(self, opened: Exchange, bound: Bound) -> Rates | None:
        """The dearest rates of a call with this request and this bound; None where its price is unknown.

        Long contexts cost more: the rates are those of the next power of two of the input, or of the shortest, if
        that were dearer.
        """
        subject = _subject(opened, bound)
        if subject in self._remembered:
            return self._remembered[subject]
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        found = self._remembered[subject] = self._learn(opened, subject.input_tokens)
        return found

    def cost_nano(self, exchange: Exchange) -> int | None:
        """What a finished call cost, in nano-dollars, rounded up; None where that is unknown."""
        amount = _amount(self._price(exchange))
        return None if amount is None else min(ceil(amount * _NANO), MOST)

    def forget(self) -> None:
        """Prices were read anew."""
        self._remembered.clear()

    def _learn(self, opened: Exchange, input_tokens: int) -> Rates | None:
        found = [self._rates_at(opened, size) for size in (input_tokens, 1)]
        if found[0] is None:
            return None
        known = [item for item in found if item is not None]
        return Rates(max(item.input_nano_per_m for item in known), max(item.output_nano_per_m for item in known))

    def _rates_at(self, opened: Exchange, size: int) -> Rates | None:
        """The dearest rates of a call that reads `size` tokens, all of one kind."""
        read, wrote = Usage(input_tokens=size, output_tokens=0), Usage(input_tokens=size, output_tokens=MILLION)
        plain, written = self._priced(opened, read), self._priced(opened, wrote)
        if plain is not None and opened.request.operation is Operation.EMBEDDINGS:
            written = plain  # it writes nothing, and nothing has no rate
        if plain is None or written is None:
            return None
        inputs, outputs = [plain], [written]
        for kind in _INPUT_KINDS:
            inputs += self._known(opened, changed(read, **{kind: size}))
        for kind in _OUTPUT_KINDS:
            outputs += self._known(opened, changed(wrote, **{kind: MILLION}))
        return Rates(ceil(max(inputs) * _NANO * MILLION / size), ceil((max(outputs) - plain) * _NANO))

    def _known(self, opened: Exchange, usage: Usage) -> Iterator[Fraction]:
        """A kind that the model does not have, or that has no rate, can't be the dearest."""
        amount = self._priced(opened, usage)
        if amount is not None:
            yield amount

    def _priced(self, opened: Exchange, usage: Usage) -> Fraction | None:
        return _amount(self._price(_imagined(opened, usage)))


def _subject(opened: Exchange, bound: Bound) -> _Subject:
    endpoint, settings = opened.endpoint, opened.request.parameters
    return _Subject(
        endpoint.provider,
        endpoint.host,
        endpoint.path,
        opened.request.model,
        tuple(value if isinstance(value := settings.get(name), str) else None for name in _PRICED_BY),
        int(opened.started_at.timestamp()) // 60,
        1 << max(bound.input_tokens, _LEAST_TOKENS).bit_length(),
    )


def _imagined(opened: Exchange, usage: Usage) -> Exchange:
    """A call that went well and used so much."""
    request = opened.request
    settings = {key: value for key in _PRICED_BY if isinstance(value := request.parameters.get(key), str)}
    bare = Request(operation=request.operation, model=request.model, stream=request.stream, parameters=settings)
    # Anthropic's fast mode is asked for by a word of its own, and reported as a tier.
    tier = "fast" if settings.get("speed") == "fast" else None
    response = Response(
        model=request.model, finish_reason=FinishReason.STOP, usage=usage, service_tier=tier, complete=True
    )
    at = datetime.fromtimestamp(int(opened.started_at.timestamp()) // 60 * 60, UTC)
    return changed(opened, request=bare, response=response, status=200, started_at=at)


def _amount(cost: Cost | None) -> Fraction | None:
    """The amount of a cost, if it is one: a plugin's may be anything."""
    if cost is None or cost.amount is None or not cost.amount.is_finite() or cost.amount < 0:
        return None
    return Fraction(cost.amount)
