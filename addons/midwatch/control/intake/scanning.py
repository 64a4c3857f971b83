"""Scanning for anybody: control's engine, and the policy in use, asked about texts that belong to no call."""

import asyncio
from collections.abc import Sequence

from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import Clock
from midwatch_core.judging import direction_of, judged
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.policy import Subject
from midwatch_core.reviewing import Reviewer
from midwatch_core.scanning import MAX_SCAN_CHARACTERS, MAX_SCAN_TEXTS, Scanned

# Who scans waits for others who do, so that calls need not.
_AT_ONCE = 2
# All texts of one go together wait so long for models.
_MODELS_S = 10.0


class PolicyScanner:
    """The `Scanner` of control. It follows what the reviewer goes by; `default` is the tenant of who has none."""

    def __init__(self, reviewer: Reviewer, clock: Clock, *, default: str) -> None:
        self._reviewer = reviewer
        self._clock = clock
        self._default = default
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def scan(self, caller: Caller, texts: Sequence[tuple[str, Part]]) -> Sequence[Scanned]:
        """See `Scanner.scan`."""
        if not caller.may(Permission.CALL):
            raise AccessDeniedError(f"the role {caller.role} scans nothing")
        if len(texts) > MAX_SCAN_TEXTS:
            raise ValueError(f"{len(texts):,} texts in one go; {MAX_SCAN_TEXTS:,} at most")
        if any(len(text) > MAX_SCAN_CHARACTERS for text, _ in texts):
            raise ValueError(f"a text of more than {MAX_SCAN_CHARACTERS:,} characters")
        subject = Subject(tenant=caller.tenant or self._default)
        async with self._turns:
            return await self._all(
                [(Segment(part=part, path="", text=text), direction_of(part)) for text, part in texts], subject
            )

    async def _all(self, texts: Sequence[tuple[Segment, Direction]], subject: Subject) -> Sequence[Scanned]:
        """Models are asked about all of them at once; who scans has a turn until they have answered."""
        until_s = self._clock.monotonic() + _MODELS_S
        asked = [self._reviewer.engine.classify((segment,), direction) for segment, direction in texts]
        told: list[Scanned] = []
        for (segment, direction), models in zip(texts, asked, strict=True):
            await asyncio.sleep(0)  # the loop has others to see to between two texts
            seen = await self._reviewer.engine.inspect_texts((segment,), direction)
            heard = await models.wait(max(0.0, until_s - self._clock.monotonic()))
            result = self._reviewer.engine.scanned(seen, segment, direction, heard=heard)
            told.append(judged(result, segment.part, self._reviewer.policy, subject, self._clock.now()))
        return told
