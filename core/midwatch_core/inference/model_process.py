"""A model as a plugin uses it: texts in, answers out; that there is a process behind it shows in health alone."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from midwatch_core.children.errors import ChildLostError, Ending
from midwatch_core.errors import BusyError, PluginError
from midwatch_core.inference.attempts import Attempts
from midwatch_core.inference.batching import BatchQueue
from midwatch_core.inference.card import ModelCard
from midwatch_core.inference.errors import ModelError
from midwatch_core.inference.limits import ModelLimits
from midwatch_core.inference.loaded import LoadedModel, NotLoadedError, loaded
from midwatch_core.inference.numbers import ModelNumbers, TextOutcome
from midwatch_core.inference.speech import TextAnswer
from midwatch_core.inference.state import ModelState
from midwatch_core.model.content import Json

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    # An error is given as a value: one that nobody waits for any more is no news for the log.
    answer: asyncio.Future[Json | PluginError]
    asked_s: float = field(default_factory=time.monotonic)


class ModelProcess:
    """One model in a process of its own, started by `start` or the first `ask`. Make it anywhere, use it in one loop.

    `load` names the function that makes the `Backend` there, `module:function`; it is given `options`. A process that
    hangs, dies or swells is replaced: the texts of its batch get ModelError, and are not tried again; those that wait
    go to the fresh one. What says that it can't load, or dies at five starts in a row, is left alone for a minute.
    """

    def __init__(
        self,
        plugin: str,
        name: str,
        *,
        load: str,
        options: Mapping[str, Json],
        limits: ModelLimits | None = None,
        numbers: ModelNumbers | None = None,
    ) -> None:
        self.state = ModelState.ABSENT
        self.card: ModelCard | None = None
        self.problem: str | None = None
        self.restarts = 0
        self._plugin = plugin
        self._name = name
        self._load = load
        self._options = options
        self._limits = limits or ModelLimits()
        self._numbers = numbers or ModelNumbers(None)
        self._queue = BatchQueue(
            most_texts=self._limits.most_waiting,
            most_characters=self._limits.most_waiting_characters,
            batch_texts=self._limits.batch_texts,
            batch_characters=self._limits.batch_characters,
        )
        self._asked: dict[int, _Asked] = {}
        self._work = asyncio.Event()
        self._attempts = Attempts()
        self._keeper: asyncio.Task[None] | None = None
        self._model: LoadedModel | None = None

    @property
    def pid(self) -> int | None:
        """The living process with the model loaded."""
        return self._model.pid if self._model is not None and self._model.lives else None

    def start(self) -> None:
        """Begin loading, in the background of the running loop; nothing where that is done, or was given up lately."""
        under_way = self._keeper is not None and not self._keeper.done()
        if under_way or self.state is ModelState.CLOSED or not self._attempts.allowed(time.monotonic()):
            return
        self._stand(ModelState.LOADING)
        self._attempts.began()
        self._keeper = asyncio.create_task(self._keep(), name=f"midwatch-model-{self._name}")

    async def ask(self, text: str) -> Json:
        """What the model says of a text. Raises BusyError where too much waits already, or it waited too long;
        ModelError where there is no model or it has no answer.
        """
        self.start()
        ticket = self._queued(text)
        loop = asyncio.get_running_loop()
        asked = self._asked[ticket] = _Asked(loop.create_future())
        late = loop.call_later(self._limits.late_s, self._late, ticket)
        self._work.set()
        try:
            answer = await asked.answer
        finally:
            late.cancel()
            del self._asked[ticket]
            if self._queue.discard(ticket):  # whoever asked went away
                self._numbers.waiting(self._name, len(self._queue))
        if isinstance(answer, PluginError):
            raise answer
        return answer

    def report(self) -> dict[str, Json]:
        """How it stands, for health."""
        return {
            "state": self.state.value,
            "card": self.card.document() if self.card is not None else None,
            "problem": self.problem,
            "waiting": len(self._queue),
            "restarts": self.restarts,
        }

    async def close(self) -> None:
        """End the process. Texts that wait get ModelError, and so does whoever asks later."""
        self._stand(ModelState.CLOSED)
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        self._fail_all("is closed")

    def _queued(self, text: str) -> int:
        """Its ticket. Raises BusyError or ModelError."""
        if self.state in (ModelState.CLOSED, ModelState.FAILED):
            why = "is closed" if self.state is ModelState.CLOSED else f"can't be had: {self.problem}"
            raise self._refused(TextOutcome.FAILED, why)
        if len(text) > self._limits.longest_characters:
            why = f"can't be given {len(text)} characters, more than {self._limits.longest_characters}"
            raise self._refused(TextOutcome.FAILED, why)
        ticket = self._queue.put(text)
        if ticket is None:
            raise self._refused(TextOutcome.BUSY, f"has {len(self._queue)} texts waiting already")
        self._numbers.waiting(self._name, len(self._queue))
        return ticket

    async def _keep(self) -> None:
        """Load the model and answer what waits; begin again where it is lost, until it must be given up."""
        delay_s: float | None = 0.0
        while delay_s is not None:
            await asyncio.sleep(delay_s)
            delay_s = await self._live()
        self._attempts.give_up(time.monotonic())
        self._stand(ModelState.FAILED)
        self._fail_all(f"can't be had: {self.problem}")

    async def _live(self) -> float | None:
        """One life of the process; the delay to the next one, None where there is to be none."""
        began_s = time.monotonic()
        try:
            async with loaded(self._name, self._load, self._options, self._limits) as model:
                await self._work_with(model)
                # One that ended before it was asked anything did so of itself: as good as never started.
                return self._attempts.lost(time.monotonic() - began_s, was_ready=model.batches > 0)
        except NotLoadedError as refusal:
            self._note(refusal, Ending.START)
            return None
        except ChildLostError as lost:
            self._note(lost, Ending.START)
            return self._attempts.lost(time.monotonic() - began_s, was_ready=False)

    async def _work_with(self, model: LoadedModel) -> None:
        """Answer what comes until the process is lost."""
        self._begin(model)
        try:
            await self._serve(model)
        except ChildLostError as lost:
            self._note(lost, lost.ending)
        finally:
            self._end()

    def _begin(self, model: LoadedModel) -> None:
        self._model, self.card, self.problem = model, model.card, None
        self._stand(ModelState.READY)
        self._numbers.loaded(self._name, model.card)
        self._numbers.resident(self._name, model.resident())
        logger.info("model %s is loaded (pid %d)", self._name, model.pid)

    def _end(self) -> None:
        if self._model is not None:
            self._numbers.loaded(self._name, self._model.card, now=False)
            self._numbers.resident(self._name, 0)
            self._model = None

    def _note(self, lost: ChildLostError, reason: Ending) -> None:
        self.problem = str(lost)
        self.restarts += 1
        self._stand(ModelState.RESTARTING)
        self._numbers.lost(self._name, reason.value)
        logger.error("model %s of plugin %s is lost (%s): %s", self._name, self._plugin, reason.value, lost)

    async def _serve(self, model: LoadedModel) -> None:
        """Answer batch after batch; raises ChildLostError at its end, also when it ends with nothing to do."""
        ended = asyncio.create_task(model.ended())
        ended.add_done_callback(lambda _: self._work.set())
        try:
            while True:
                while batch := self._queue.take():
                    await self._answer(model, batch)
                await self._work.wait()
                self._work.clear()
                if ended.done():
                    raise ChildLostError(Ending.CRASH, "the process ended between two batches")
        finally:
            ended.cancel()

    async def _answer(self, model: LoadedModel, batch: dict[int, str]) -> None:
        now_s = time.monotonic()
        self._numbers.waiting(self._name, len(self._queue))
        for ticket in batch:
            self._numbers.waited(self._name, now_s - self._asked[ticket].asked_s)
        why = "is closed"
        try:
            answers, seconds = await model.run(list(batch.values()))
            self._numbers.ran(self._name, len(batch), seconds)
            for ticket, answer in zip(batch, answers, strict=True):
                self._settle(ticket, answer)
        except ChildLostError as lost:
            why = f"was lost while it had this text: {lost}"
            raise
        finally:
            for ticket in batch:
                self._fail(ticket, why)
        self._numbers.resident(self._name, model.resident())
        model.check_memory()

    def _settle(self, ticket: int, answer: TextAnswer) -> None:
        if answer.error is not None:
            self._fail(ticket, f"has no answer: {answer.error}")
        elif (asked := self._asked.get(ticket)) is not None and not asked.answer.done():
            self._numbers.told(self._name, TextOutcome.ANSWERED)
            asked.answer.set_result(answer.value)

    def _fail(self, ticket: int, why: str) -> None:
        if (asked := self._asked.get(ticket)) is not None and not asked.answer.done():
            asked.answer.set_result(self._refused(TextOutcome.FAILED, why))

    def _fail_all(self, why: str) -> None:
        for ticket in self._asked:
            self._queue.discard(ticket)
            self._fail(ticket, why)
        self._numbers.waiting(self._name, len(self._queue))

    def _late(self, ticket: int) -> None:
        """The text waits still: nobody is served by an answer to it any more."""
        if self._queue.discard(ticket) and not (asked := self._asked[ticket]).answer.done():
            self._numbers.waiting(self._name, len(self._queue))
            why = f"had no time for it in {self._limits.late_s:g} s"
            asked.answer.set_result(self._refused(TextOutcome.LATE, why))

    def _refused(self, outcome: TextOutcome, why: str) -> BusyError | ModelError:
        self._numbers.told(self._name, outcome)
        kind = ModelError if outcome is TextOutcome.FAILED else BusyError
        return kind(self._plugin, f"model {self._name} {why}")

    def _stand(self, state: ModelState) -> None:
        self.state = state
        self._numbers.stands(self._name, state)
