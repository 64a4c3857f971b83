"""What a span's call asked and answered: from the first place that tells it, in any convention's words.

Places are asked in this order: OpenTelemetry's structured attributes, lists spread over attributes (OpenLLMetry's
`gen_ai.prompt.N`, OpenInference's `llm.input_messages.N`), events, the one attribute of before 1.28, and at last what
a framework noted as the whole input and output.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from midwatch_core import Json, Part, PlainText
from midwatch_otel.ingest.events import answered_in_events, asked_in_events
from midwatch_otel.ingest.messages import texts_of
from midwatch_otel.ingest.names import ALIASES, Bag, Meaning
from midwatch_otel.ingest.spans import ToldSpan
from midwatch_otel.ingest.tree import spread_list

type Place = Callable[[], Iterable[PlainText]]

# More texts than any call has.
_MOST_TEXTS = 2000
_ASKED_LISTS = ("gen_ai.prompt", "llm.input_messages", "llm.prompts", "embedding.embeddings")
_ANSWER_LISTS = ("gen_ai.completion", "llm.output_messages", "llm.choices")
_ASKED_WHOLE = ("gen_ai.prompt", "llm.prompts", "traceloop.entity.input", "input.value")
_ANSWER_WHOLE = ("gen_ai.completion", "traceloop.entity.output", "output.value")


def asked_texts(span: ToldSpan, bag: Bag, default: Part) -> tuple[PlainText, ...]:
    """What was asked. `default` is the part of a text of which nothing tells whose it is."""
    system = list(_all(bag, Meaning.SYSTEM_TEXT, Part.SYSTEM))
    found = _first_told(
        lambda: _all(bag, Meaning.INPUT_MESSAGES, default),
        lambda: _spread(bag.attributes, _ASKED_LISTS, default),
        lambda: asked_in_events(span),
        lambda: _whole(bag.attributes, _ASKED_WHOLE, default),
    )
    return tuple(islice([*system, *found], _MOST_TEXTS))


def answered_texts(span: ToldSpan, bag: Bag) -> tuple[PlainText, ...]:
    """What was answered."""
    return _first_told(
        lambda: _all(bag, Meaning.OUTPUT_MESSAGES, Part.ASSISTANT),
        lambda: _spread(bag.attributes, _ANSWER_LISTS, Part.ASSISTANT),
        lambda: answered_in_events(span),
        lambda: _whole(bag.attributes, _ANSWER_WHOLE, Part.ASSISTANT),
    )


def _first_told(*places: Place) -> tuple[PlainText, ...]:
    for place in places:
        if found := tuple(islice(place(), _MOST_TEXTS)):
            return found
    return ()


def _all(bag: Bag, meaning: Meaning, default: Part) -> Iterator[PlainText]:
    for name in ALIASES[meaning]:
        if (value := bag.attributes.get(name)) is not None:
            yield from texts_of(value, default)


def _spread(attributes: Mapping[str, Json], prefixes: Iterable[str], default: Part) -> Iterator[PlainText]:
    for prefix in prefixes:
        yield from texts_of(spread_list(attributes, prefix), default)


def _whole(attributes: Mapping[str, Json], names: Iterable[str], default: Part) -> Iterator[PlainText]:
    """The first of these attributes; a JSON of unknown shape stays the text that it is."""
    for name in names:
        value = attributes.get(name)
        found = list(texts_of(value, default))
        if not found and isinstance(value, str) and value:
            found = [PlainText(part=default, text=value)]
        if found:
            yield from found
            return
