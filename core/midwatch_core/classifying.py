"""Asking models about the texts of a call: each text once, all at once, and awaited as long as the caller likes."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from midwatch_core.guarded import Outcome
from midwatch_core.hosting import Plugins
from midwatch_core.inspection import Inspection
from midwatch_core.memo import Memo
from midwatch_core.model.detection import Classified, Detection, TextVote, Vote
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.stamping import finding_of

HOOK = "classify_text"
# Whatever a model takes longer for is lost: callers have gone on, and the breaker hears of it.
_LONGEST_S = 30.0
# Texts, and their characters, that may be under way in this process; and texts that one call may add to them.
_MOST_UNDER_WAY = 1000
_MOST_CHARACTERS = 32_000_000
_MOST_OF_A_CALL = 200

type _Key = tuple[str, Part, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A text one plugin was asked about: what it says, is about to say, or why it will not (neither)."""

    plugin: str
    segment: Segment
    known: Classified | None = None
    coming: asyncio.Task[Classified | None] | None = None

    @property
    def done(self) -> bool:
        return self.coming is None or self.coming.done()

    @property
    def said(self) -> Classified | None:
        """None where it is late, or could not say."""
        if self.coming is None:
            return self.known
        return self.coming.result() if self.coming.done() and not self.coming.cancelled() else None


class Classifying:
    """The models' answers about some texts, as they come. Nothing here holds anybody up but `wait`."""

    def __init__(self, asked: Sequence[_Asked], direction: Direction, new_id: Callable[[], str]) -> None:
        self._asked = asked
        self._direction = direction
        self._new_id = new_id

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return all(item.done for item in self._asked)

    async def wait(self, patience_s: float) -> Inspection:
        """What models say within so many seconds; those that are late then are among the failures."""
        coming = self._coming()
        if coming and patience_s > 0:
            await asyncio.wait(coming, timeout=patience_s)
        return self.seen()

    def seen(self) -> Inspection:
        """What they have said by now; those that have not, or could not, are among the failures."""
        found: list[Finding] = []
        votes: list[TextVote] = []
        failures: list[str] = []
        for item in self._asked:
            if (said := item.said) is None:
                failures.append(item.plugin)
                continue
            found += (self._finding(detection, item) for detection in said.detections)
            votes += (self._vote(vote, item.segment) for vote in said.votes)
        return Inspection() + Inspection(findings=tuple(found), failures=tuple(failures), votes=tuple(votes))

    def when_more(self, told: Callable[[], None]) -> None:
        """Call `told` from the loop each time that one more of those under way has come."""
        for task in self._coming():
            task.add_done_callback(lambda _: told())

    def _coming(self) -> set[asyncio.Task[Classified | None]]:
        return {item.coming for item in self._asked if item.coming is not None and not item.coming.done()}

    def _finding(self, detection: Detection, item: _Asked) -> Finding:
        return finding_of(detection, item.segment, self._direction, plugin=item.plugin, finding_id=self._new_id())

    def _vote(self, vote: Vote, segment: Segment) -> TextVote:
        return TextVote(direction=self._direction, part=segment.part, path=segment.path, vote=vote)


class Classifiers:
    """The plugins that have models. What they said of a text (by its keyed hash) is remembered, and asked for once."""

    def __init__(
        self, plugins: Plugins, asked_here: Callable[[str], tuple[str, ...]], new_id: Callable[[], str]
    ) -> None:
        """`asked_here` gives the plugins of a hook that may be asked in this process."""
        self._plugins = plugins
        self._asked_here = asked_here
        self._new_id = new_id
        self._under_way: dict[_Key, asyncio.Task[Classified | None]] = {}
        self._tasks: set[asyncio.Task[Classified | None]] = set()
        self._characters = 0
        self.memo: Memo[Classified] = Memo(weight=lambda said: len(said.detections) + len(said.votes))

    @property
    def any(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._asked_here(HOOK))

    def begin(self, segments: Iterable[Segment], direction: Direction) -> Classifying:
        """Ask about texts, the last first; must be called in a running loop.

        Of what is known, or asked about already, there may be any number. Texts that are one too many are failures.
        """
        names = self._asked_here(HOOK)
        wanted = [segment for segment in segments if segment.text] if names else []
        wanted.reverse()
        asked = [item for name in names for item in self._ask_each(name, wanted)]
        return Classifying(asked, direction, self._new_id)

    def forget(self) -> None:
        """Models or settings are new. What is under way is still told to who asked, and not remembered."""
        self.memo.clear()
        self._under_way.clear()

    def _ask_each(self, plugin: str, segments: Iterable[Segment]) -> Iterator[_Asked]:
        left = _MOST_OF_A_CALL
        for segment in segments:
            asked = self._known(plugin, segment)
            if asked is None and left and len(self._tasks) < _MOST_UNDER_WAY and self._characters < _MOST_CHARACTERS:
                asked = self._ask(plugin, segment)
                left -= asked.coming is not None
            yield asked or _Asked(plugin=plugin, segment=segment)

    def _known(self, plugin: str, segment: Segment) -> _Asked | None:
        if not segment.hash:
            return None
        if (known := self.memo.get(plugin, "", segment.part, segment.hash)) is not None:
            return _Asked(plugin=plugin, segment=segment, known=known)
        task = self._under_way.get((plugin, segment.part, segment.hash))
        return None if task is None else _Asked(plugin=plugin, segment=segment, coming=task)

    def _ask(self, plugin: str, segment: Segment) -> _Asked:
        outcome = self._plugins.ask_model(plugin, segment.text, segment.part)
        if not outcome.ok:
            return _Asked(plugin=plugin, segment=segment)
        if outcome.value is None:
            return _Asked(plugin=plugin, segment=segment, known=self._kept(plugin, segment, Classified()))
        return _Asked(plugin=plugin, segment=segment, coming=self._started(plugin, segment, outcome))

    def _started(self, plugin: str, segment: Segment, asked: Outcome) -> asyncio.Task[Classified | None]:
        """A task that outlives whoever asked: what comes late is remembered for the next who does."""
        key = (plugin, segment.part, segment.hash)
        task = asyncio.create_task(self._answer(key, plugin, segment, asked), name=f"midwatch-classify-{plugin}")
        if segment.hash:
            self._under_way[key] = task
        self._tasks.add(task)
        self._characters += len(segment.text)
        task.add_done_callback(lambda done: self._ended(done, len(segment.text)))
        return task

    def _ended(self, task: asyncio.Task[Classified | None], characters: int) -> None:
        self._tasks.discard(task)
        self._characters -= characters

    async def _answer(self, key: _Key, plugin: str, segment: Segment, asked: Outcome) -> Classified | None:
        me = asyncio.current_task()
        try:
            outcome = await self._plugins.model_answer(plugin, asked, segment.text, deadline_s=_LONGEST_S)
            if not outcome.ok:
                return None
            said: Classified = outcome.value[0]
            return self._kept(plugin, segment, said) if self._under_way.get(key) is me else said
        finally:
            if self._under_way.get(key) is me:
                del self._under_way[key]

    def _kept(self, plugin: str, segment: Segment, said: Classified) -> Classified:
        return self.memo.put(plugin, "", segment.part, segment.hash, said)
