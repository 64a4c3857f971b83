"""Loading plugins: each import isolated, each failure named, each call guarded."""

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from pydantic import BaseModel

from midwatch_core import hookspecs
from midwatch_core.breaker import Breaker, BreakerOpenError, BreakerState, worst
from midwatch_core.errors import BusyError, ConfigError, MidwatchError, StorageError, StorageUnavailableError
from midwatch_core.guarded import Guard, Outcome, called, said
from midwatch_core.model.segment import Part
from midwatch_core.sound import NonsenseError, Sound, sound_classified, sound_detections, sound_findings
from midwatch_core.storage_settings import BreakerSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """One line of `plugins list`."""

    name: str
    version: str
    hooks: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    version: str
    target: Any = None
    error: str | None = None


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def section_of(name: str) -> str:
    """The section of a plugin's settings: a name that can stand in a variable too."""
    return name.replace("-", "_")


@dataclass(slots=True)
class Plugins:
    """The plugins of one process. `discover`, then `activate` with the configuration's sections, then call hooks.

    `breakers` are the thresholds of the detectors' breakers; set them before the first call.
    """

    guard: Guard = field(default_factory=Guard)
    _manager: pluggy.PluginManager = field(default_factory=_new_manager)
    _found: dict[str, _Found] = field(default_factory=dict)
    _errors: dict[str, str] = field(default_factory=dict)
    _callers: dict[str, list[tuple[str, Callable[..., Any], tuple[str, ...]]]] = field(default_factory=dict)
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    now: Callable[[], float] = time.monotonic
    breakers: BreakerSettings = field(default_factory=BreakerSettings)

    def discover(self, *, allow: Iterable[str] | None = None) -> None:
        """Import every installed plugin, or only those named. One that fails to import is kept as an error."""
        wanted = None if allow is None else set(allow)
        for entry in sorted(entry_points(group=hookspecs.PROJECT), key=lambda item: item.name):
            if wanted is None or entry.name in wanted:
                self.add(entry.name, lambda entry=entry: _load(entry), version=_version(entry))  # type: ignore[misc]

    def add(self, name: str, load: Callable[[], object], *, version: str = "") -> None:
        """Make a plugin known by what loads it: a module, or a class."""
        outcome = self.guard.call(f"{name}.import", load)
        if outcome.ok:
            self._found[name] = _Found(name=name, version=version, target=outcome.value)
        else:
            self._found[name] = _Found(name=name, version=version)
            self._errors[name] = f"{type(outcome.error).__name__}: {outcome.error}"

    def sections(self) -> dict[str, type[BaseModel]]:
        """The configuration model of each plugin that has one, by its section: the name, with _ for -."""
        return {
            section_of(name): model
            for name, found in self._found.items()
            if isinstance(model := getattr(found.target, "Config", None), type) and issubclass(model, BaseModel)
        }

    def activate(self, settings: Mapping[str, Any], *, order: Iterable[str] = ()) -> None:
        """Register all, those named in `order` first. A class is made with its section."""
        first = [name for name in order if name in self._found]
        for name in [*first, *(name for name in self._found if name not in first)]:
            target = self._found[name].target
            if target is None:
                continue
            outcome = self.guard.call(f"{name}.register", self._register, name, target, settings.get(section_of(name)))
            if not outcome.ok:
                self._errors[name] = f"{type(outcome.error).__name__}: {outcome.error}"
                self._manager.unregister(name=name) if self._manager.has_plugin(name) else None
        self._index(first)

    def call_all(self, hook: str, **kwargs: Any) -> list[Outcome]:
        """Call a hook in every plugin; one outcome each, in order. `Outcome.name` is `plugin.hook`."""
        return [
            self.guard.call(f"{name}.{hook}", function, **{key: kwargs[key] for key in wanted})
            for name, function, wanted in self._callers.get(hook, ())
        ]

    def call_with_secret(self, hook: str, clean: Callable[[str], str], **kwargs: Any) -> list[Outcome]:
        """As `call_all`, where an argument holds a secret: `clean` sees what an error says before anybody else does."""
        outcomes = (
            called(f"{name}.{hook}", function, **{key: kwargs[key] for key in wanted})
            for name, function, wanted in self._callers.get(hook, ())
        )
        return [self.guard.record(_cleaned(outcome, clean)) for outcome in outcomes]

    def implementers(self, hook: str) -> tuple[str, ...]:
        """The plugins that implement a hook, in calling order."""
        return tuple(name for name, *_ in self._callers.get(hook, ()))

    def call_one(self, plugin: str, hook: str, **kwargs: Any) -> Outcome:
        """Call a hook in one plugin that implements it. Raises KeyError where it does not."""
        for name, function, wanted in self._callers.get(hook, ()):
            if name == plugin:
                return self.guard.call(f"{name}.{hook}", function, **{key: kwargs[key] for key in wanted})
        raise KeyError(f"{plugin}.{hook}")

    def detect(self, plugin: str, hook: str, **kwargs: Any) -> Outcome:
        """Call a detector's hook, which must answer at once. Raises KeyError where the plugin does not implement it.

        A plugin that fails too often is left alone for a while: the error is then BreakerOpenError. The value is a
        list of what can be used; an answer that is nonsense as a whole is a NonsenseError.
        """
        function, wanted = self._implementation(plugin, hook)
        breaker = self._breaker(plugin)
        if not breaker.allows(self.now()):
            return _skipped(plugin, hook)
        outcome = self.guard.call(f"{plugin}.{hook}", function, **{key: kwargs[key] for key in wanted})
        return self._judged(plugin, breaker, outcome, kwargs)

    async def detect_waiting(self, plugin: str, hook: str, *, deadline_s: float, **kwargs: Any) -> Outcome:
        """The same for a hook that may answer with an awaitable, given so many seconds."""
        function, wanted = self._implementation(plugin, hook)
        breaker = self._breaker(plugin)
        if not breaker.allows(self.now()):
            return _skipped(plugin, hook)
        given = {key: kwargs[key] for key in wanted}
        outcome = await self.guard.wait(f"{plugin}.{hook}", function, deadline_s=deadline_s, **given)
        late = outcome.ok and outcome.seconds > deadline_s
        if late:  # it never waited, so that nobody could interrupt it; what it found is good all the same
            self.guard.complain(outcome.name, TimeoutError(f"took {outcome.seconds:.1f} s, it has {deadline_s:g} s"))
        return self._judged(plugin, breaker, outcome, kwargs, late=late)

    def ask_model(self, plugin: str, text: str, part: Part) -> Outcome:
        """Ask a plugin's `classify_text`: the value is None, or an awaitable for `model_answer`; no loop is needed.

        Raises KeyError where the plugin does not implement it.
        """
        function, wanted = self._implementation(plugin, "classify_text")
        if not self._breaker(_models_of(plugin)).allows(self.now()):
            return _skipped(plugin, "classify_text")
        given = {"text": text, "part": part}
        asked = called(f"{plugin}.classify_text", function, **{key: given[key] for key in wanted})
        if asked.ok:
            return asked
        return self._judged(plugin, self._breaker(_models_of(plugin)), self.guard.record(asked), given)

    async def model_answer(self, plugin: str, asked: Outcome, text: str, *, deadline_s: float) -> Outcome:
        """The answer to `ask_model`: its value is a list of one Classified. One who is busy has not failed."""
        outcome = await self.guard.wait(asked.name, _or_busy, asked.value, deadline_s=deadline_s)
        if isinstance(outcome.value, BusyError):
            return replace(outcome, value=None, error=outcome.value)
        return self._judged(plugin, self._breaker(_models_of(plugin)), outcome, {"classified": text})

    def answers_at_once(self, plugin: str, hook: str) -> bool:
        """Whether a hook is a plain function: what it gives need not be awaited."""
        return not inspect.iscoroutinefunction(self._implementation(plugin, hook)[0])

    def breaker_state(self, plugin: str) -> BreakerState:
        """Whether a plugin's detectors and its models are asked, left alone, or on probation."""
        own = (self._breakers.get(name) for name in (plugin, _models_of(plugin)))
        return worst(breaker.state for breaker in own if breaker is not None)

    def security_state(self) -> BreakerState:
        """The detectors of this process as one: open where any is left alone, closed where all are asked."""
        return worst(breaker.state for breaker in self._breakers.values())

    def call_first(self, hook: str, **kwargs: Any) -> Outcome | None:
        """Call a hook until a plugin gives something else than None; failures are passed over (and counted)."""
        for name, function, wanted in self._callers.get(hook, ()):
            outcome = self.guard.call(f"{name}.{hook}", function, **{key: kwargs[key] for key in wanted})
            if outcome.ok and outcome.value is not None:
                return outcome
        return None

    async def wait_all(self, hook: str, *, deadline_s: float, **kwargs: Any) -> list[Outcome]:
        """As `call_all`, awaiting each plugin that answers with an awaitable, at most `deadline_s` seconds each."""
        return [
            await self.guard.wait(
                f"{name}.{hook}", function, deadline_s=deadline_s, **{key: kwargs[key] for key in wanted}
            )
            for name, function, wanted in self._callers.get(hook, ())
        ]

    def gather(self, hook: str, **kwargs: Any) -> list[Any]:
        """The items of every plugin's list, in one list; a plugin that failed adds nothing."""
        return [item for outcome in self.call_all(hook, **kwargs) if outcome.ok for item in outcome.value or ()]

    def list(self) -> list[PluginInfo]:
        """All plugins found, with what each implements or why it does not run."""
        return [
            PluginInfo(
                name=name,
                version=found.version,
                hooks=tuple(hook for hook, callers in self._callers.items() if any(name == who for who, *_ in callers)),
                error=self._errors.get(name),
            )
            for name, found in self._found.items()
        ]

    def _implementation(self, plugin: str, hook: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
        for name, function, wanted in self._callers.get(hook, ()):
            if name == plugin:
                return function, wanted
        raise KeyError(f"{plugin}.{hook}")

    def _breaker(self, plugin: str) -> Breaker:
        return self._breakers.get(plugin) or self._breakers.setdefault(plugin, Breaker.of(self.breakers))

    def _judged(
        self, plugin: str, breaker: Breaker, outcome: Outcome, asked: Mapping[str, Any], *, late: bool = False
    ) -> Outcome:
        """What the breaker makes of a call, and of an answer what can be used."""
        if breaker.untroubled and not late and type(outcome.value) is list and not outcome.value:
            return outcome  # nothing seen, as nearly always
        before = breaker.state
        if outcome.ok:
            outcome = self._checked(plugin, outcome, asked)
        if self.guard.records[outcome.name].in_a_row == 0:
            breaker.succeeded()
        else:
            breaker.failed(self.now())
        if breaker.state is not before:
            _tell(plugin, breaker, self.guard.records[outcome.name].last_error)
        return outcome

    def _checked(self, plugin: str, outcome: Outcome, asked: Mapping[str, Any]) -> Outcome:
        """An outcome of what can be used of an answer; what can't is a complaint about the plugin."""
        checked = called(outcome.name, _sound, outcome.value, asked)
        sound: Sound = (
            checked.value if checked.ok else Sound([], f"gave what can't be looked at: {checked.error!r:.200}")
        )
        if sound.complaint is None:
            return replace(outcome, value=sound.items)
        complaint = NonsenseError(plugin, sound.complaint)
        self.guard.complain(outcome.name, complaint)
        return replace(outcome, value=sound.items) if sound.items else replace(outcome, value=None, error=complaint)

    def _register(self, name: str, target: Any, section: object) -> None:
        plugin = target
        if isinstance(target, type):
            plugin = target(section) if hasattr(target, "Config") else target()
        self._manager.register(plugin, name=name)
        # pluggy would never call a misspelt hook, silently; and hooks are called singly here, not through wrappers.
        callers = self._manager.get_hookcallers(plugin) or []
        if unknown := [caller.name for caller in callers if not caller.has_spec()]:
            raise ValueError(f"no such hook: {', '.join(unknown)}")
        if wrapped := [caller.name for caller in callers if _is_wrapped(caller, name)]:
            raise ValueError(f"no hook may be a wrapper: {', '.join(wrapped)}")

    def _index(self, first: Iterable[str]) -> None:
        """Who implements which hook, in calling order: pluggy's, with `plugins.order` breaking ties."""
        rank = {name: index for index, name in enumerate(first)}
        for hook in vars(self._manager.hook):
            impls = list(reversed(getattr(self._manager.hook, hook).get_hookimpls()))
            impls.sort(key=lambda impl: (impl.trylast, not impl.tryfirst, rank.get(impl.plugin_name, len(rank))))
            self._callers[hook] = [(impl.plugin_name, impl.function, tuple(impl.argnames)) for impl in impls]


async def _or_busy(answer: Awaitable[Any]) -> Any:
    """The answer, or the BusyError in its place."""
    try:
        return await answer
    except BusyError as error:
        # Its traceback holds the frames that hold it: rings, for the collector to find among all that is kept.
        return error.with_traceback(None)


def _is_wrapped(caller: pluggy.HookCaller, plugin: str) -> bool:
    return any(impl.plugin_name == plugin and (impl.wrapper or impl.hookwrapper) for impl in caller.get_hookimpls())


def _load(entry: EntryPoint) -> object:
    return entry.load()


def _version(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist else ""


def _sound(value: object, asked: Mapping[str, Any]) -> Sound:
    """What of a detector's answer can be used: detections of what it was shown, or findings about a call."""
    if "classified" in asked:
        return sound_classified(value, len(asked["classified"]))
    if "text" in asked:
        return sound_detections(value, len(asked["text"].original))
    return sound_detections(value, len(asked["event"].text)) if "event" in asked else sound_findings(value)


def _cleaned(outcome: Outcome, clean: Callable[[str], str]) -> Outcome:
    """The same outcome; an error of ours stays of its kind, any other becomes a MidwatchError that names its kind."""
    if outcome.error is None:
        return outcome
    kinds = (ConfigError, StorageUnavailableError, StorageError, MidwatchError)
    kind = next((kind for kind in kinds if isinstance(outcome.error, kind)), MidwatchError)
    return replace(outcome, error=kind(clean(said(outcome.error))))


def _models_of(plugin: str) -> str:
    """Models have a breaker of their own: a plugin's patterns go on without them."""
    return f"{plugin}'s models"


def _skipped(plugin: str, hook: str) -> Outcome:
    error = BreakerOpenError(plugin, "left alone for a while: it failed too often in a row")
    return Outcome(name=f"{plugin}.{hook}", error=error)


def _tell(plugin: str, breaker: Breaker, last_error: str | None) -> None:
    if breaker.state is BreakerState.OPEN:
        logger.error(
            "plugin %s is left alone: %d failures in a row, the last: %s", plugin, breaker.in_a_row, last_error
        )
    elif breaker.state is BreakerState.CLOSED:
        logger.warning("plugin %s works again", plugin)
