"""All models on one text: those that act are waited for, those in the shadow are only compared with them."""

import asyncio
from collections.abc import Iterable, Sequence

from midwatch_core import BusyError, Classified, ModelNumbers, Part, PluginError
from midwatch_ml.asking.model import Model
from midwatch_ml.asking.scored import Scored

type _Asked = asyncio.Task[Scored | PluginError | None]


class Panel:
    """The models of one process."""

    def __init__(self, models: Sequence[Model], numbers: ModelNumbers) -> None:
        self.models = tuple(models)
        self._numbers = numbers
        self._under_way: set[asyncio.Task[None]] = set()
        self._parts = {part for model in models for part in model.settings.where}

    def reads(self, part: Part) -> bool:
        """Whether any of them reads such texts."""
        return part in self._parts

    async def classify(self, text: str, part: Part) -> Classified:
        """What those that act say together.

        Raises BusyError where any is busy, so that the text is asked about again one day; PluginError where none has
        an answer. One that can't answer beside others that can is missing in the votes, and told of in health.
        """
        acting = [model for model in self.models if part in model.settings.where and not model.settings.shadow]
        shadows = self._shadows(text, part)
        answers = await asyncio.gather(*(_score(model, text) for model in acting))
        found = [(model, answer) for model, answer in zip(acting, answers, strict=True) if isinstance(answer, Scored)]
        self._compare(shadows, acted=any(model.acts_on(scored) for model, scored in found))
        errors = [answer for answer in answers if isinstance(answer, PluginError)]
        busy = [error for error in errors if isinstance(error, BusyError)]
        if busy or (errors and len(errors) == len(answers)):
            raise (busy or errors)[0]
        return _together(model.classified(scored, len(text)) for model, scored in found)

    def renewed(self, models: Sequence[Model]) -> "Panel":
        """A panel of these in the place of this one; those of ours that are not among them end in the background."""
        fresh = Panel(models, self._numbers)
        for model in self.models:
            if model not in fresh.models:
                fresh._see_to(asyncio.create_task(model.process.close(), name="midwatch-ml-close"))
        for task in self._under_way:
            fresh._see_to(task)
        return fresh

    def start(self) -> None:
        """Begin to load them, in the running loop."""
        for model in self.models:
            model.process.start()

    async def close(self) -> None:
        """End their processes."""
        await asyncio.gather(*(model.process.close() for model in self.models))
        await asyncio.gather(*self._under_way)  # which has nothing to wait for any more

    def _shadows(self, text: str, part: Part) -> list[tuple[Model, _Asked]]:
        return [
            (model, asyncio.create_task(_score(model, text), name="midwatch-ml-shadow"))
            for model in self.models
            if part in model.settings.where and model.settings.shadow
        ]

    def _compare(self, shadows: Sequence[tuple[Model, _Asked]], *, acted: bool) -> None:
        """Count, once the shadows have spoken, whether they would have acted too; nobody waits for that."""
        if shadows:
            self._see_to(asyncio.create_task(self._compared(shadows, acted=acted), name="midwatch-ml-compare"))

    async def _compared(self, shadows: Sequence[tuple[Model, _Asked]], *, acted: bool) -> None:
        for model, asked in shadows:
            answer = await asked
            if not isinstance(answer, PluginError):
                self._numbers.shadow(model.settings.id, shadow=model.acts_on(answer), acting=acted)

    def _see_to(self, task: asyncio.Task[None]) -> None:
        """Something that is done beside the calls; `close` waits for its end."""
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


async def _score(model: Model, text: str) -> Scored | PluginError | None:
    """The score, or why there is none."""
    try:
        return await model.score(text)
    except PluginError as error:
        return error


def _together(said: Iterable[Classified]) -> Classified:
    all_said = list(said)
    return Classified(
        detections=tuple(one for item in all_said for one in item.detections),
        votes=tuple(vote for item in all_said for vote in item.votes),
    )
