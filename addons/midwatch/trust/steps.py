"""How somebody is told to trust our CA: commands that are run, or variables that its programs are started with."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import list2cmdline


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A root that clients are to trust, in a file of its own. `sha1` is how Windows and macOS name a certificate."""

    id: str
    file: Path
    sha1: str

    @property
    def name(self) -> str:
        """What it is called in stores of others."""
        return f"midwatch-{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What there is to give: the roots alone in one file, the public CAs and they in another, each by itself."""

    certificate: Path
    bundle: Path
    anchors: tuple[Anchor, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A command, word by word. `root`: it changes what is the machine's. `fine` are the exit codes that are well.

    `windows`: it is for a console there, whose words are quoted by " alone.
    """

    words: tuple[str, ...]
    root: bool = False
    fine: tuple[int, ...] = (0,)
    windows: bool = False

    def shown(self, *, am_root: bool = False) -> str:
        """As it is typed into a shell."""
        return list2cmdline(self.words) if self.windows else shlex.join(self.run_as(am_root=am_root))

    def run_as(self, *, am_root: bool) -> tuple[str, ...]:
        """The words to run, with `sudo` where they need it."""
        return ("sudo", *self.words) if self.root and not am_root else self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One who can be told. `adding` makes it trust all roots and no retired one, `removing` undoes that.

    `variables` are for its programs' environment, `example` is a line that sets them; `says` is what else to know.
    """

    name: str
    title: str
    adding: tuple[Step, ...] = ()
    removing: tuple[Step, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    example: str = ""
