"""Models of the tests' own: they answer when they are told to, and remember what they were asked."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from midwatch_core import (
    BusyError,
    Classified,
    Detection,
    Direction,
    Exchange,
    Finding,
    Part,
    Segment,
    Severity,
    TextVote,
    Vote,
    Weighed,
    hookimpl,
)

EVIL = "evil"
# What a model may be told to fail with.
BUSY = BusyError("d0", "too much to do")


class Thinks:
    """A model that holds a text with a word to be an attack, once it `may` say so. `fails` is raised instead."""

    def __init__(self, *, word: str = EVIL, category: str = "prompt_injection", kind: str = "", ready: bool = False):
        self.asked: list[str] = []
        self.fails: Exception | None = None
        self.may = asyncio.Event()
        self._word, self._category, self._kind = word, category, kind
        if ready:
            self.may.set()

    @hookimpl
    def classify_text(self, text: str, part: Part) -> Awaitable[Classified | None] | None:
        if part in (Part.SYSTEM, Part.ASSISTANT):
            return None
        self.asked.append(text)
        return self._thought(text)

    async def _thought(self, text: str) -> Classified:
        await self.may.wait()
        if self.fails is not None:
            raise self.fails
        at = text.find(self._word)
        votes = (Vote(voter="thinks", score=0.9 if at >= 0 else 0.1),)
        return Classified(detections=() if at < 0 else (self._detection(at),), votes=votes)

    def _detection(self, at: int) -> Detection:
        return Detection(
            rule=f"ml/{self._category}",
            category=self._category,
            severity=Severity.HIGH,
            confidence=0.9,
            message="A model",
            start=at,
            end=at + len(self._word),
            kind=self._kind,
        )


class Weighs:
    """An ensemble: with a vote above a half, all is certain; it has a finding of its own about what was weighed."""

    @hookimpl
    def weigh(
        self,
        findings: Sequence[Finding],
        exchange: Exchange | None,
        votes: Sequence[TextVote],
        texts: Mapping[tuple[Direction, str], Segment],
    ) -> Weighed:
        score = max((item.vote.score for item in votes), default=0.2)
        sure = {item.id: 1.0 for item in findings if item.plugin == "d0"} if score > 0.5 else {}
        own = [
            Finding(
                id="",
                rule="all/injection",
                category="prompt_injection",
                severity=Severity.HIGH,
                confidence=score,
                message=f"held to be {score}",
                direction=direction,
                part=segment.part,
                path=path,
                start=0,
                end=len(segment.text),
            )
            for (direction, path), segment in texts.items()
            if segment.part is Part.USER
        ]
        return Weighed(score=score, findings=tuple(own), confidences=sure)
