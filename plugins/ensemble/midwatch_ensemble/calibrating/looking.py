"""Looking: what the installed detectors and models say of labelled texts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from midwatch_core import Direction, Engine, Finding, MidwatchError, Part, Segment
from midwatch_ensemble.evidence import is_raw, votes_of

# A model that is loading takes its time; one that never answers must not be waited for without end.
_PATIENCE_S = 60.0
_AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Findings of injection, models' left out, and the models' scores by voter."""

    findings: Sequence[Finding]
    votes: dict[str, float]


async def look(engine: Engine, text: str, part: Part) -> Looked:
    """What is said of one text. Raises MidwatchError where a model has no answer: weights would lean on its silence."""
    segment = Segment(part=part, path="", text=text)
    models = engine.classify((segment,), Direction.REQUEST)
    found = engine.look(segment, Direction.REQUEST)
    heard = await models.wait(_PATIENCE_S)
    if silent := sorted({*found.failures, *heard.failures}):
        raise MidwatchError(f"ensemble: no answer of {', '.join(silent)}: nothing was calibrated")
    votes = votes_of(heard.votes)
    return Looked(findings=[one for one in found.findings if is_raw(one, votes)], votes=votes)


async def look_at_all(engine: Engine, texts: Sequence[tuple[str, Part]]) -> AsyncIterator[Looked]:
    """The same of many, in order; some at once, so that models have batches."""
    for at in range(0, len(texts), _AT_ONCE):
        for looked in await asyncio.gather(*(look(engine, text, part) for text, part in texts[at : at + _AT_ONCE])):
            yield looked
