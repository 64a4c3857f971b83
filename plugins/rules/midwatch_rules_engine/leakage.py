"""System prompt leakage: an answer that recites a long stretch of the request's system text (OWASP LLM07)."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import islice

from midwatch_core import Direction, Exchange, Finding, Part, Segment, Severity
from midwatch_rules_engine.recited import Recited, Stretch, words_of

# Characters looked at of a system text and of an answer; below the least, a repetition tells nothing.
_MOST_CHARACTERS = 131_072
_LEAST_CHARACTERS = 60
_MANY_WORDS = 40
_MOST_STRETCHES = 32
_MOST_FINDINGS = 8
_KEPT = 16
# What is said to a model, not to its users: knowledge in a system text is there to be repeated.
_TO_A_MODEL = re.compile(
    r"(?i)\b(?:you(?: are|'re|’re| must| should| will be| have access)|your (?:role|task|job|goal|instructions"
    r"|responses?|answers?|output|name is)|(?:do not|don't|don’t|never|always) (?:reveal|share|disclose|mention|tell"
    r"|discuss|use|say|answer|respond|reply|provide|include|ask|make|give|follow|refer)|du bist|sie sind ein|tu es"
    r"|vous êtes|eres|você é|sei un|jij bent)\b"
)
_SHOWN_TO_USERS = frozenset({Part.USER, Part.TOOL_RESULT, Part.DOCUMENT})


class Leakage:
    """Compares answers with system texts. Those of the last calls are kept ready: agents send the same each time."""

    def __init__(self, least_words: int) -> None:
        self._least_words = least_words
        self._ready: OrderedDict[str, Recited] = OrderedDict()

    def findings(self, exchange: Exchange) -> list[Finding]:
        """A finding for each stretch of a system text that the response repeats, and the user could not know."""
        if exchange.response is None:
            return []
        answers = [
            item
            for item in exchange.response.segments
            if item.part is Part.ASSISTANT and len(item.text) >= _LEAST_CHARACTERS
        ]
        found: list[Finding] = []
        for recited in list(self._systems(exchange.request.segments)) if answers else ():
            for answer in answers:
                found += self._of(recited, answer, exchange.request.segments)
        return found[:_MOST_FINDINGS]

    def _systems(self, segments: Sequence[Segment]) -> Iterator[Recited]:
        left = _MOST_CHARACTERS
        for segment in segments:
            text = segment.text[:left]
            if segment.part is Part.SYSTEM and len(text) >= _LEAST_CHARACTERS:
                left -= len(text)
                yield self._prepared(text)

    def _prepared(self, text: str) -> Recited:
        recited = self._ready.pop(text, None) or Recited(text)
        self._ready[text] = recited
        while len(self._ready) > _KEPT:
            self._ready.popitem(last=False)
        return recited

    def _of(self, recited: Recited, answer: Segment, segments: Sequence[Segment]) -> Iterator[Finding]:
        text = answer.text[:_MOST_CHARACTERS]
        for stretch in islice(recited.stretches(words_of(text), self._least_words), _MOST_STRETCHES):
            said = text[stretch.start : stretch.end]
            if len(said) >= _LEAST_CHARACTERS and not _is_known(said, segments):
                yield _finding(answer, stretch, said)


def _is_known(said: str, segments: Sequence[Segment]) -> bool:
    return any(said in segment.text for segment in segments if segment.part in _SHOWN_TO_USERS)


def _finding(answer: Segment, stretch: Stretch, said: str) -> Finding:
    many = stretch.words >= _MANY_WORDS
    if _TO_A_MODEL.search(said):
        severity, confidence = (Severity.HIGH, 0.85) if many else (Severity.MEDIUM, 0.7)
    else:
        severity, confidence = Severity.LOW, 0.5 if many else 0.4
    return Finding(
        id="",
        rule="midwatch/exchange/system-text-recited",
        category="system_prompt_leak",
        severity=severity,
        confidence=confidence,
        message=f"The answer repeats {stretch.words} words in a row of the system text",
        owasp=("LLM07:2025",),
        direction=Direction.RESPONSE,
        part=answer.part,
        path=answer.path,
        start=stretch.start,
        end=stretch.end,
    )
