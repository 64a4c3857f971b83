"""The one place that catches everything: a call into code that is not ours to trust, timed and named."""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from midwatch_core.errors import MidwatchError

logger = logging.getLogger(__name__)
_SAID_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a guarded call gave: a value, or an error with the name of who failed."""

    name: str
    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the call returned."""
        return self.error is None


@dataclass(slots=True)
class Record:
    """How one name's calls went, for `plugins list` and /metrics. `in_a_row` counts failures since the last success."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    last_error: str | None = None
    in_a_row: int = 0


@dataclass(slots=True)
class Guard:
    """Makes guarded calls and remembers how they went, by name."""

    records: dict[str, Record] = field(default_factory=dict)

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Outcome:
        """Call a function now; whatever it raises becomes an outcome with an error."""
        return self.record(called(name, function, *args, **kwargs))

    def value(self, name: str, function: Callable[..., Any], /, *args: Any) -> Any:
        """What `call` gives as value, None after a failure; for hot paths: no outcome is made where all went well."""
        started = time.perf_counter()
        try:
            value = function(*args)
        except Exception as error:  # noqa: BLE001  # as below
            return self.record(Outcome(name=name, error=error, seconds=time.perf_counter() - started)).value
        record = self.records.get(name) or self.records.setdefault(name, Record())
        record.calls += 1
        record.seconds += time.perf_counter() - started
        record.in_a_row = 0
        return value

    async def wait(
        self, name: str, function: Callable[..., Any], /, *args: Any, deadline_s: float | None = None, **kwargs: Any
    ) -> Outcome:
        """The same, awaiting what the function gives where that is awaitable; TimeoutError after `deadline_s`."""
        started = time.perf_counter()
        outcome = called(name, function, *args, **kwargs)
        if outcome.ok and inspect.isawaitable(outcome.value):
            try:
                async with asyncio.timeout(deadline_s):
                    outcome = Outcome(name=name, value=await outcome.value, seconds=time.perf_counter() - started)
            except Exception as error:  # noqa: BLE001  # as below; cancellation passes through
                outcome = Outcome(name=name, error=error, seconds=time.perf_counter() - started)
        return self.record(outcome)

    def record(self, outcome: Outcome) -> Outcome:
        """Count a call that was made elsewhere, such as in the scan pool; gives the outcome back."""
        record = self.records.setdefault(outcome.name, Record())
        record.calls += 1
        record.seconds += outcome.seconds
        if outcome.error is None:
            record.in_a_row = 0
        else:
            self._failed(record, outcome.name, said(outcome.error))
        return outcome

    def complain(self, name: str, error: BaseException) -> None:
        """Note that the last call of a name, which returned, was not as it should be: its answer was mended."""
        self._failed(self.records.setdefault(name, Record()), name, said(error))

    def _failed(self, record: Record, name: str, error: str) -> None:
        record.failures += 1
        record.in_a_row += 1
        record.last_error = error
        if record.failures & (record.failures - 1) == 0:  # 1st, 2nd, 4th, …: a storm must not fill the log
            logger.warning("%s failed (%d times): %s", name, record.failures, error)


def said(error: BaseException) -> str:
    """Our own errors say it all; of others the kind tells most."""
    outcome = called("str", str, error)  # a stranger's __str__
    said = outcome.value if outcome.ok else "(it can't say what)"
    return (said if isinstance(error, MidwatchError) else f"{type(error).__name__}: {said}")[:_SAID_CHARACTERS]


def called(name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Outcome:
    """Call a function now, and count nothing; whatever it raises becomes an outcome with an error."""
    started = time.perf_counter()
    try:
        value = function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # the one broad handler of the house: others call this
        return Outcome(name=name, error=error, seconds=time.perf_counter() - started)
    return Outcome(name=name, value=value, seconds=time.perf_counter() - started)
