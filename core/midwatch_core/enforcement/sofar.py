"""The answer so far: what a stream has said, shown to detectors of whole calls while it can still be ended."""

from dataclasses import replace

from midwatch_core.engine import Engine, Inspection
from midwatch_core.model.content import Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Segment

# How much new text is waited for, and how much is shown at most: its last part, as of a text that goes on.
_STEP = 512
_MOST = 64 * 1024


class AnswerSoFar:
    """One text of an answer under way. Detectors that answer at once are asked; the record asks all, at the end."""

    def __init__(self, engine: Engine, exchange: Exchange, place: Segment) -> None:
        self._engine = engine
        self._exchange = exchange
        self._place = place
        self._text = ""
        self._new = 0

    def add(self, text: str, *, end: bool) -> Inspection | None:
        """What is seen in the call with this text; None where it is not looked at yet."""
        self._text = (self._text + text)[-_MOST:]
        self._new += len(text)
        if self._new < _STEP and not (end and self._new):
            return None
        self._new = 0
        segment = replace(self._place, text=self._text)
        response = Response(segments=(segment,), complete=False)
        return self._engine.look_at_exchange(replace(self._exchange, response=response))
