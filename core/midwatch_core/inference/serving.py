"""What a model's process does: loads the model it was ordered to, and answers batches."""

import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from midwatch_core.guarded import called, said
from midwatch_core.inference.backend import Backend
from midwatch_core.inference.card import ModelCard
from midwatch_core.inference.errors import ModelError
from midwatch_core.inference.speech import Order, TextAnswer, answer_header, plain


def load(order: Order) -> Backend | str:
    """The model; or why there is none, for people."""
    outcome = called("load", _load, order)
    if outcome.error is None:
        backend: Backend = outcome.value
        return backend
    return plain(_words(outcome.error))


def answers(backend: Backend, texts: Sequence[str]) -> dict[str, Any]:
    """What the model says of each text, for the pipe. One that it can't bear costs the others of its batch nothing."""
    began_s = time.perf_counter()
    found = _run(backend, texts)
    if len(texts) > 1 and any(answer.error is not None for answer in found):
        found = [_run(backend, [text])[0] for text in texts]
    return answer_header(found, time.perf_counter() - began_s)


def _load(order: Order) -> Backend:
    module, _, name = order.load.partition(":")
    backend: Backend = getattr(import_module(module), name)(dict(order.options))
    if not isinstance(backend.card, ModelCard):
        raise TypeError(f"{order.load} gave a model without a card")
    return backend


def _run(backend: Backend, texts: Sequence[str]) -> list[TextAnswer]:
    outcome = called("run", lambda: list(backend.run(texts)))
    if outcome.error is not None:
        return [TextAnswer(error=_words(outcome.error))] * len(texts)
    if len(outcome.value) != len(texts):
        return [TextAnswer(error=f"it gave {len(outcome.value)} answers to {len(texts)} texts")] * len(texts)
    return [TextAnswer(value=value) for value in outcome.value]


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, ModelError) else said(error)
