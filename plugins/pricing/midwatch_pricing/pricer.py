"""From an exchange to its cost: which model of whom in which tier, the rate card for it, the invoice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from midwatch_core import Cost, CostBasis, Exchange, Operation, Part, Response, Usage
from midwatch_pricing.invoice import invoice
from midwatch_pricing.makers import RESELLERS, made_by
from midwatch_pricing.overrides import Like, Overrides
from midwatch_pricing.price_list import PriceList, minute_of, time_of
from midwatch_pricing.provider_ids import is_self_hosted, listed_id
from midwatch_pricing.rates import RateCard
from midwatch_pricing.tiers import surcharge_of, tier_of

# Names of models and hosts come from clients: neither caches nor patterns may grow with their fancy.
_MAX_CACHED = 4096
_MAX_NAME = 256

# Calls to a tool's server, and to what a provider keeps.
_WITHOUT_MODEL = frozenset(
    {
        Operation.BATCH,
        Operation.EXECUTE_TOOL,
        Operation.FILES,
        Operation.LIST_TOOLS,
        Operation.MCP,
        Operation.STORED,
    }
)
# A rerank counts searches, a transcript seconds: where they count no tokens, there are none.
_BY_OTHER_COUNTS = frozenset({Operation.RERANK, Operation.SPEECH, Operation.TRANSCRIPTION})
# What shorter sound is billed as (groq.com/pricing).
_LEAST_SECONDS = {"groq": 10}
_UNTOLD = {
    Operation.IMAGE: "billed by the picture: the answer counts no tokens",
    Operation.TRANSCRIPTION: "billed by the second: the answer does not tell how many",
}
_STREAMS_WITHOUT_USAGE = frozenset({"openai.chat", "openai.completions"})


class _Subject(NamedTuple):
    """What a price depends on. `minute` is the call's time in minutes since the epoch.

    A tuple, because it is made and hashed for every call.
    """

    provider: str
    host: str
    path: str
    answered: str | None
    asked: str | None
    tier: str
    surcharge: str | None
    minute: int


@dataclass(slots=True)
class Pricer:
    """Prices exchanges by the user's table, then by the published list."""

    prices: PriceList
    overrides: Overrides = field(default_factory=Overrides)
    likes: Mapping[str, str] = field(default_factory=dict)
    _cards: dict[_Subject, RateCard | str] = field(default_factory=dict)
    _listed: dict[tuple[str, str, str], str | None] = field(default_factory=dict)

    def price(self, exchange: Exchange) -> Cost:
        """The cost, or why it is unknown; never nothing for something, never a price of another model.

        What a subscription pays for is priced as by the API, and marked so.
        """
        cost = self._price(exchange)
        return replace(cost, basis=CostBasis.API_EQUIVALENT) if exchange.endpoint.subscription else cost

    def _price(self, exchange: Exchange) -> Cost:
        if calls_no_model(exchange):
            return Cost(reason=_why_no_model(exchange))
        response = exchange.response
        usage = _usage_of(exchange)
        if (free := _free(exchange)) and not _failed(exchange):
            return Cost(amount=Decimal(0), source=free)
        if response is None or usage is None or _is_empty(usage):
            return Cost(reason=_why_no_usage(exchange))
        card = self._card(exchange, response)
        if isinstance(card, str):
            return Cost(reason=card)
        cost = invoice(_counted(usage, exchange, response), card)
        if cost.reason is None and not response.complete and response.finish_reason is None:
            return replace(cost, amount=None, reason="the stream ended before its usage was complete")
        return cost

    def _card(self, exchange: Exchange, response: Response) -> RateCard | str:
        endpoint = exchange.endpoint
        listed = self._listed_id(endpoint.provider, endpoint.host, endpoint.path)
        subject = _Subject(
            endpoint.provider,
            endpoint.host,
            endpoint.path if listed is None else "",
            response.model,
            exchange.request.model,
            tier_of(exchange, listed or ""),
            surcharge_of(exchange, listed or ""),
            minute_of(exchange.started_at),
        )
        card = self._cards.get(subject)
        if card is None:
            if len(self._cards) >= _MAX_CACHED:
                self._cards.clear()
            card = self._cards[subject] = self._find(subject, listed)
        return card

    def _find(self, subject: _Subject, listed: str | None) -> RateCard | str:
        names = [name for name in (subject.answered, subject.asked) if name]
        if not names:
            return f"neither request nor response of {subject.provider} names a model"
        if max(map(len, names)) > _MAX_NAME:
            return f"the model's name is longer than {_MAX_NAME} characters"
        for name in names:
            found = self.overrides.find(subject.provider, name, subject.tier, time_of(subject.minute))
            if isinstance(found, Like):
                listed = listed_id(found.provider, self.prices.provider_ids)
                break
            if found is not None:
                return found
        return self._published(subject, listed, names[0])

    def _published(self, subject: _Subject, listed: str | None, name: str) -> RateCard | str:
        if listed is None:
            if is_self_hosted(subject.provider, subject.host):
                return "no price for self-hosted models; set pricing.overrides"
            return f"no prices for provider {subject.provider!r}; set pricing.overrides"
        if listed == "azure" and subject.answered is None:
            return f"the response names no model, and {name!r} is an Azure deployment's name; set pricing.overrides"
        if listed == "aws" and subject.asked:
            name = subject.asked  # it says where the model runs, which the answer's name does not
        if subject.surcharge is not None:
            return f"no price for {subject.surcharge} of model {name!r} of {listed}"
        found = self.prices.card(listed, name, subject.tier, time_of(subject.minute))
        maker = made_by(name) if isinstance(found, str) and listed in RESELLERS else None
        return found if maker is None else self.prices.card(*maker, subject.tier, time_of(subject.minute))

    def _listed_id(self, provider: str, host: str, path: str) -> str | None:
        """The price list's provider, by our name for it, else by its API's address."""
        key = (provider, host, path)
        if key not in self._listed:
            if len(self._listed) >= _MAX_CACHED:
                self._listed.clear()
            found = listed_id(self.likes.get(provider, provider), self.prices.provider_ids)
            if found is None and host and not is_self_hosted(provider, host):
                found = self.prices.provider_at(f"https://{host}{path}")
            self._listed[key] = found
        return self._listed[key]


def calls_no_model(exchange: Exchange) -> bool:
    """Whether there is nothing that could have a price of a model's."""
    return exchange.request.operation in _WITHOUT_MODEL


def _why_no_model(exchange: Exchange) -> str:
    is_batch = exchange.request.operation is Operation.BATCH
    return "batch results are not priced yet" if is_batch else "no model was called"


def _free(exchange: Exchange) -> str | None:
    """Why a call costs nothing, if it does."""
    operation = exchange.request.operation
    if operation is Operation.MODERATION and exchange.endpoint.provider == "openai":
        return "OpenAI moderates for free"
    return "counting tokens is free" if operation is Operation.COUNT_TOKENS else None


def _usage_of(exchange: Exchange) -> Usage | None:
    """What the answer counts. Speech answers in sound: it is billed by the characters that it was asked to say."""
    response, request = exchange.response, exchange.request
    if response is None or response.usage is not None or request.operation is not Operation.SPEECH:
        return response.usage if response is not None else None
    if request.decode_error or _failed(exchange):
        return None
    said = sum(len(segment.text) for segment in request.segments if segment.part is Part.USER)
    return Usage(tool_fees={"characters": said}) if said else None


def _is_empty(usage: Usage) -> bool:
    return _counts_none(usage) and not usage.tool_fees


def _counts_none(usage: Usage) -> bool:
    return usage.input_tokens is None and usage.output_tokens is None


def _counted(usage: Usage, exchange: Exchange, response: Response) -> Usage:
    """A call whose answer has no output (embeddings, a blocked prompt) wrote nothing; some count no tokens at all."""
    if exchange.request.operation in _BY_OTHER_COUNTS and _counts_none(usage):
        least = _LEAST_SECONDS.get(exchange.endpoint.provider, 0)
        fees = {
            name: max(count, least) if name == "audio_seconds" else count for name, count in usage.tool_fees.items()
        }
        return replace(usage, input_tokens=0, output_tokens=0, tool_fees=fees)
    if usage.output_tokens is None and (exchange.request.operation == "embeddings" or not response.segments):
        return replace(usage, output_tokens=0)
    return usage


def _failed(exchange: Exchange) -> bool:
    response = exchange.response
    return exchange.status is None or exchange.status >= 400 or response is None or response.error is not None


def _why_no_usage(exchange: Exchange) -> str:
    response = exchange.response
    if _failed(exchange):
        return "call failed"
    if response is not None and not response.complete:
        return "the stream ended before its usage came"
    if exchange.streamed and exchange.endpoint.dialect in _STREAMS_WITHOUT_USAGE:
        return "no usage in the response; ask for it with stream_options.include_usage"
    return _UNTOLD.get(exchange.request.operation, "no usage in the response")
