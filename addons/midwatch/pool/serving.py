"""What a pool's process does: starts its plugins, calls their hooks, and says what came of it."""

import asyncio
import inspect
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from midwatch.home import Home
from midwatch.settings import Settings, read_snapshot, resolve
from midwatch_core.frame import FrameDecoder
from midwatch_core.guarded import Outcome, said
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics
from midwatch_core.model.segment import Part
from midwatch_core.sound import Sound, sound_detections, sound_findings
from midwatch_core.views import Text

# The owner watches the clock of a call; a start may wait for a file or a model.
_SHUTDOWN_S = 1.0


class Serving:
    """The plugins of one pool process. Enter it to start them; every call of `answer` tells the owner two things."""

    def __init__(self, home: Home, plugins: Sequence[str], tell: Callable[[dict[str, Any]], None]) -> None:
        logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s", level=logging.WARNING)
        logging.getLogger("midwatch_core.guarded").setLevel(logging.CRITICAL)  # the owner hears it and says it
        self._tell = tell
        self._names = tuple(plugins)
        self._settings = _settings(home)
        self._plugins = self._settings.plugins
        self._loop = asyncio.Runner()
        self._exchanges: FrameDecoder | None = None

    def __enter__(self) -> "Serving":
        host = _host(self._settings)
        for name in self._names:
            self._tell({"starting": name})
            if name not in self._plugins.implementers("startup"):
                continue
            outcome = self._call(name, "startup", host=host)
            if outcome.error is not None:
                self._tell({"failed": name, "error": _plain(said(outcome.error))})
        self._tell({"ready": os.getpid()})
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            if name in self._plugins.implementers("shutdown"):
                self._call(name, "shutdown", host=_host(self._settings), deadline_s=_SHUTDOWN_S)

    def answer(self, header: dict[str, Any], body: bytes) -> None:
        """Call a hook: say that it begins, then what it gave."""
        plugin, hook = str(header["plugin"]), str(header["hook"])
        guard = self._plugins.guard
        given = guard.call("reading", self._given, header, body)
        self._tell({"began": True})
        outcome = self._call(plugin, hook, **given.value) if given.ok else given
        sound = guard.call("checking", _sound, outcome.value, given.value) if outcome.ok else outcome
        self._tell(_answer(sound.value) if sound.error is None else {"error": _plain(said(sound.error))})

    def _given(self, header: dict[str, Any], body: bytes) -> dict[str, Any]:
        """The arguments of a hook. Raises FrameError, ValueError or KeyError where they can't be read."""
        if header["hook"] == "inspect_text":
            return {"text": Text(body.decode("utf-8", "surrogatepass")), "part": Part(header["part"])}
        self._exchanges = self._exchanges or FrameDecoder()
        return {"exchange": self._exchanges.decode(body)}

    def _call(self, plugin: str, hook: str, *, deadline_s: float | None = None, **given: Any) -> Outcome:
        """One hook of one plugin; only `inspect_text` may not answer with an awaitable."""
        outcome = self._plugins.call_one(plugin, hook, **given)
        if outcome.ok and hook != "inspect_text" and inspect.isawaitable(outcome.value):
            name = f"{plugin}.{hook}"
            return self._loop.run(self._plugins.guard.wait(name, lambda: outcome.value, deadline_s=deadline_s))
        return outcome


def _settings(home: Home) -> Settings:
    """What all processes of the home started from; a command may run where none ever did."""
    return read_snapshot(home) if home.snapshot.exists() else resolve(home, config_file=None, flags={})


def _host(settings: Settings) -> Host:
    metrics = Metrics()
    metrics.declare(settings.plugins.gather("metrics"))
    return Host(
        role=Role.POOL,
        home=settings.home.root,
        metrics=metrics,
        settings=dict(settings.config),
        resources=tuple(settings.plugins.gather("resources")),
    )


def _answer(sound: Sound) -> dict[str, Any]:
    answer = {"items": sound.items, "complaint": sound.complaint}
    try:
        orjson.dumps(answer)
    except orjson.JSONEncodeError:  # half a surrogate pair
        return {**answer, "items": [_mended(asdict(item)) for item in sound.items]}
    return answer


def _plain(text: str) -> str:
    return str(text).encode("utf-8", "replace").decode()


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, dict):
        return {key: _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, tuple) else value


def _sound(value: object, given: dict[str, Any]) -> Sound:
    return sound_detections(value, len(given["text"].original)) if "text" in given else sound_findings(value)
