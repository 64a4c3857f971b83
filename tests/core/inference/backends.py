"""Models without any mathematics, that do all that a model should and should not. Loaded in processes of their own."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch_core import Json, ModelCard, ModelError

CARD = ModelCard(name="words", backend="stdlib", revision="1", checksum="ab" * 32, labels=("safe", "injection"))


@dataclass
class Told:
    """Does what a text's first word says; else echoes. `seen` is a file of all texts that it was given."""

    card: ModelCard
    seen: str | None = None

    def run(self, texts: Sequence[str]) -> Sequence[Json]:
        if self.seen is not None:
            with Path(self.seen).open("a", errors="surrogatepass") as file:
                file.writelines(f"{text[:40]}\n" for text in texts)
        values = [_TRICKS.get(text.partition(" ")[0], _echo)(text) for text in texts]
        return values[1:] if "miscount" in texts else values


def load(options: Mapping[str, Json]) -> Told:
    seen = options.get("seen")
    return Told(CARD, None if seen is None else str(seen))


def corrupt(options: Mapping[str, Json]) -> Told:
    raise ModelError("words", f"{options['weights']}: not the weights that are expected; ask for them again")


def raises(options: Mapping[str, Json]) -> Told:
    raise OSError("no such device")


def never(options: Mapping[str, Json]) -> Told:
    time.sleep(600)
    return load(options)


def ends(options: Mapping[str, Json]) -> Told:
    """Dies at each start, but where its file says that it has died often enough."""
    file = Path(str(options["file"]))
    with file.open("a") as deaths:
        deaths.write("x")
    if len(file.read_text()) <= int(str(options["deaths"])):
        os._exit(3)
    return load({})


def cardless(options: Mapping[str, Json]) -> Any:
    return object()


def prints(options: Mapping[str, Json]) -> Told:
    print("loading")
    os.write(1, b"\x00\x00\x00\x05raw\n")
    return load(options)


def environment(options: Mapping[str, Json]) -> Told:
    """Its card tells of its process."""
    facts: dict[str, Json] = {"threads": os.environ["OMP_NUM_THREADS"], "nice": os.nice(0), "stdin": sys.stdin.read()}
    return Told(ModelCard(name="words", backend="stdlib", revision="1", checksum="", labels=(), facts=facts))


def _echo(text: str) -> Json:
    return {"length": len(text), "text": text[:40]} if text.isprintable() else {"length": len(text)}


def _slow(text: str) -> Json:
    time.sleep(0.2)
    return _echo(text)


def _hang(text: str) -> Json:
    time.sleep(600)
    return None


def _hold(text: str) -> Json:
    """Never lets go of the interpreter."""
    return bool(7 ** (7**9))


def _crash(text: str) -> Json:
    os._exit(9)


def _raise(text: str) -> Json:
    raise ZeroDivisionError("no \ud800 in it")


def _swell(text: str) -> Json:
    kept = []
    while True:
        kept.append(bytearray(8 * 1024 * 1024))
        time.sleep(0.005)


_KEPT: list[bytearray] = []


def _leak(text: str) -> Json:
    _KEPT.append(bytearray(b"x") * (80 * 1024 * 1024))
    return "leaked"


def _huge(text: str) -> Json:
    return "x" * 5_000_000


def _no_json(text: str) -> Any:
    return object()


def _nonsense(text: str) -> Json:
    """Writes into the pipe to the owner, wherever that is."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\x00\x00\x00\x02\x00\x00\x00\x00[]" + bytes(100_000))
        except OSError:
            continue
    return None


def _print(text: str) -> Json:
    print("printed", text)
    return "printed"


_TRICKS: dict[str, Callable[[str], Json]] = {
    "slow": _slow,
    "hang": _hang,
    "hold": _hold,
    "crash": _crash,
    "raise": _raise,
    "swell": _swell,
    "leak": _leak,
    "huge": _huge,
    "object": _no_json,
    "nonsense": _nonsense,
    "print": _print,
}
