"""The Lua scripts: each operation on several keys is one of them, so that it is whole and one round trip."""

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files

_FOLDER = files("midwatch_redis") / "scripts"


def lua(name: str) -> str:
    """The text of a file."""
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script, and the name the server keeps it under."""

    text: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """All scripts of a cache."""

    admit: Script
    settle: Script
    lease: Script
    release: Script
    add: Script
    sums: Script


def scripts(clock: str | None = None) -> Scripts:
    """All scripts. `clock` is Lua that defines `clock()`, in microseconds; without it, the server's time."""
    counting = (clock or lua("clock")) + lua("counting")
    return Scripts(
        admit=_script(counting + lua("admit")),
        settle=_script(counting + lua("settle")),
        lease=_script(lua("lease")),
        release=_script(lua("release")),
        add=_script(lua("add")),
        sums=_script(lua("sums")),
    )


def _script(text: str) -> Script:
    return Script(text=text, sha=sha1(text.encode(), usedforsecurity=False).hexdigest())
