"""`ca trust`: have a system and its runtimes trust the CA, or say how."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from midwatch.cli.ca import files_of, given_in
from midwatch.cli.printing import print_json
from midwatch.home import Home
from midwatch.trust.java_store import listing, present
from midwatch.trust.runtimes import runtimes
from midwatch.trust.steps import Files, Step, Way
from midwatch.trust.systems import name_of_system, systems
from midwatch_core.errors import ConfigError

_OS_RELEASE = Path("/etc/os-release")
_LIST_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whom to tell: this system, runtimes by name, both and all; where nothing is said all systems that are known."""

    system: bool = False
    runtimes: Sequence[str] = ()
    everything: bool = False
    undo: bool = False

    @property
    def told(self) -> bool:
        """Whether anything was said."""
        return self.system or bool(self.runtimes) or self.everything

    @property
    def java(self) -> bool:
        """Whether Java is among them."""
        return self.everything or "java" in self.runtimes


def trust(home: Home, config_file: Path | None, wanted: Wanted, *, do: bool, as_json: bool) -> int:
    """Print the commands and variables, or run the commands; 1 where one failed. Raises ConfigError."""
    if do and not wanted.told:
        raise ConfigError("ca trust --do: say whom to tell: --system, --runtime NAME or --all")
    if do and sys.platform == "win32":
        raise ConfigError("ca trust --do: not on Windows; run what `ca trust` prints, as administrator")
    files = files_of(home, given_in(home, config_file))
    ways = list(_chosen(files, wanted, _in_java() if do and wanted.java else None))
    if do:
        return _do(ways, wanted)
    if as_json:
        print_json(_row(way, undo=wanted.undo) for way in ways)
        return 0
    for way in ways:
        print("\n".join([f"# {way.title}", *_lines(way, undo=wanted.undo), ""]))
    return 0


def _chosen(files: Files, wanted: Wanted, in_java: Sequence[str] | None) -> Iterator[Way]:
    known = {way.name: way for way in runtimes(files, in_java)}
    if unknown := [name for name in wanted.runtimes if name not in known]:
        raise ConfigError(f"--runtime {unknown[0]}: expected one of {', '.join(known)}")
    here = name_of_system(sys.platform, _OS_RELEASE.read_text(errors="replace") if _OS_RELEASE.exists() else "")
    if wanted.system or wanted.everything:
        found = [way for way in systems(files) if way.name == here]
        if not found:
            raise ConfigError("--system: how this system is told is not known; `ca trust` shows those that are")
        yield from found
    elif not wanted.told:
        yield from systems(files)
    yield from known.values() if wanted.everything or not wanted.told else (known[name] for name in wanted.runtimes)


def _in_java() -> Sequence[str]:
    """Our aliases in this machine's Java; none where there is none."""
    if shutil.which("keytool") is None:
        return ()
    try:
        done = subprocess.run(listing(), capture_output=True, text=True, timeout=_LIST_S, check=False)  # noqa: S603  # ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"ca trust --runtime java: keytool does not say what Java trusts: {error}") from error
    return present(done.stdout)


def _do(ways: Sequence[Way], wanted: Wanted) -> int:
    failed = False
    for way in ways:
        steps = way.removing if wanted.undo else way.adding
        if missing := [step.words[0] for step in steps if shutil.which(step.words[0]) is None]:
            print(f"{way.title}: there is no {missing[0]} here")
            failed |= not wanted.everything
        elif steps:
            failed |= not _run(way, steps)
        elif way.adding or way.removing:
            print(f"{way.title}: as it should be already")
        else:
            print("\n".join([f"{way.title}: to be done by you", *_lines(way, undo=wanted.undo)]))
    return 1 if failed else 0


def _run(way: Way, steps: Sequence[Step]) -> bool:
    """Run one after the other until one fails; whether none did."""
    for step in steps:
        words = step.run_as(am_root=os.geteuid() == 0)
        print(f"+ {step.shown(am_root=os.geteuid() == 0)}", flush=True)
        try:
            code = subprocess.run(words, check=False).returncode  # noqa: S603  # built of our own words
        except OSError as error:
            print(f"{way.title}: {words[0]}: {error.strerror}", file=sys.stderr)
            return False
        if code not in step.fine:
            print(f"{way.title}: {words[0]} ended with {code}; the rest of it was not done", file=sys.stderr)
            return False
    print(f"{way.title}: done", flush=True)
    return True


def _lines(way: Way, *, undo: bool) -> list[str]:
    """What is typed into a shell."""
    steps = [step.shown() for step in (way.removing if undo else way.adding)]
    unset = [f"unset {name}" for name in way.variables]
    exports = unset if undo else [f"export {name}={shlex.quote(value)}" for name, value in way.variables.items()]
    if way.example:
        return [] if undo else [way.example]
    return [*steps, *exports, *([f"# {way.says}"] if way.says and not undo else [])]


def _row(way: Way, *, undo: bool) -> dict[str, object]:
    return {
        "name": way.name,
        "title": way.title,
        "commands": [step.shown() for step in (way.removing if undo else way.adding)],
        "variables": {} if undo else dict(way.variables),
        "says": way.example or way.says,
    }
