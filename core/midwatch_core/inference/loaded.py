"""A model in its living process, as its owner sees it."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from midwatch_core.children.errors import ChildLostError, Ending
from midwatch_core.children.piped import PipedChild
from midwatch_core.inference.card import ModelCard
from midwatch_core.inference.limits import ModelLimits
from midwatch_core.inference.speech import (
    NoAnswerError,
    Order,
    TextAnswer,
    batch_frame,
    longest_answer_bytes,
    read_answers,
)
from midwatch_core.model.content import Json

# One process, one thread: batches make it fast, and the other cores are the calls'.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# Without the folder it happens to be started in on the path of imports.
_WORDS = ("-P", "-m", "midwatch_core.inference.process")
_MEGABYTE = 1024 * 1024


class NotLoadedError(ChildLostError):
    """The process lives, and says why it could not load the model: it would say so again."""


class LoadedModel:
    """A model that can be asked. Whoever gets ChildLostError from it must leave it: nothing more will come of it.

    `batches` counts what it was asked.
    """

    def __init__(self, child: PipedChild, card: ModelCard, limits: ModelLimits) -> None:
        self.card = card
        self.pid = child.pid
        self.batches = 0
        self._child = child
        self._limits = limits

    @property
    def lives(self) -> bool:
        """Whether its process has not ended, as far as is known."""
        return self._child.lives

    def resident(self) -> int:
        """Its process' memory in bytes, 0 where the system does not tell."""
        return self._child.resident()

    async def ended(self) -> None:
        """Return once its process has."""
        await self._child.ended()

    async def run(self, texts: Sequence[str]) -> tuple[list[TextAnswer], float]:
        """What it says of each text, and the seconds that took there. Raises ChildLostError."""
        self.batches += 1
        said = await self._child.ask(batch_frame(texts), self._limits.hang_s)
        try:
            return read_answers(said, len(texts))
        except NoAnswerError as error:
            raise ChildLostError(Ending.CRASH, f"the process spoke nonsense: {error}") from error

    def check_memory(self) -> None:
        """Raises ChildLostError where it holds more than it may between two batches."""
        if self.resident() > self._limits.most_bytes:
            says = f"the process held more than {self._limits.most_bytes // _MEGABYTE} MB"
            raise ChildLostError(Ending.MEMORY, says)


@asynccontextmanager
async def loaded(name: str, load: str, options: Mapping[str, Json], limits: ModelLimits) -> AsyncIterator[LoadedModel]:
    """A model loaded in a process of its own, which is killed at the end. Raises ChildLostError, NotLoadedError."""
    child = await PipedChild.start(
        _WORDS,
        name=f"model {name}",
        most_bytes=limits.most_bytes * 3 // 2,
        environment=_ONE_THREAD,
        longest_bytes=longest_answer_bytes(limits.batch_texts),
        starved_s=limits.starved_s,
    )
    try:
        order = Order(load=load, options=options, path=[str(place) for place in sys.path], nice=limits.nice)
        card = _card(await child.ask(order.frame(), limits.load_s))
        _check_room(child.resident(), limits.most_bytes)
        yield LoadedModel(child, card, limits)
    finally:
        await child.kill()


def _check_room(resident: int, most_bytes: int) -> None:
    if resident > most_bytes:
        says = f"it takes {resident // _MEGABYTE} MB when loaded, more than the {most_bytes // _MEGABYTE} MB it may"
        raise NotLoadedError(Ending.MEMORY, says)


def _card(said: Mapping[str, Any]) -> ModelCard:
    if "failed" in said:
        raise NotLoadedError(Ending.START, str(said["failed"]))
    try:
        return ModelCard.read(said.get("card"))
    except ValueError as error:
        raise ChildLostError(Ending.START, f"the process spoke nonsense: {error}") from error
