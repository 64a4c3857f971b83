"""A stage's steps, run over a copy of this machine's root that is thrown away: it stands for the base image.

The copy is an overlay: what a step writes lies in a folder of its own, and the machine is as it was. So RUN lines run
as they are, with their absolute paths. Linux and root are needed, and a mount namespace of the caller's own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.docker.rehearsal.context import Context
from tests.docker.rehearsal.dockerfile import DockerfileError, StageSteps, Step, filled

# Which index there is, and how it is reached, is the machine's; nothing else of its environment gets in.
_OF_THE_MACHINE = ("PIP_", "UV_INDEX", "UV_DEFAULT_INDEX", "SSL_CERT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def mount(*words: str) -> None:
    """As the command."""
    subprocess.run(["mount", *words], check=True)


class Stage:
    """The file system a stage makes, and what it says of the container that is to run in it."""

    def __init__(
        self,
        steps: StageSteps,
        folder: Path,
        *,
        over: "Stage | None",
        empty: bool = False,
        given: Mapping[str, str] | None = None,
    ) -> None:
        """`given` are values of arguments, as `--build-arg` gives them."""
        self.steps = steps
        self._given = given or {}
        self.upper = folder / steps.name / "upper"
        self.root = folder / steps.name / "root"
        self.layers: list[Path] = [self.upper, *(over.layers if over else [] if empty else [Path("/")])]
        self.environ: dict[str, str] = dict(over.environ) if over else _environment()
        self.arguments: dict[str, str] = {}
        self.workdir: str = over.workdir if over else "/"
        self.user = "0:0"
        self.volumes: list[str] = []
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.health: list[str] = []
        self.stop_signal = "SIGTERM"
        self._mount(folder / steps.name / "work", empty=empty)

    def _mount(self, work: Path, *, empty: bool) -> None:
        for place in (self.upper, self.root, work):
            place.mkdir(parents=True)
        if empty:
            mount("--bind", str(self.upper), str(self.root))
            return
        lower = ":".join(map(str, self.layers[1:]))
        mount(
            "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={self.upper},workdir={work}", str(self.root)
        )
        for name in ("dev", "proc"):
            mount("--rbind", f"/{name}", str(self.root / name))
        # A home may be closed to others; the base image's interpreter is not.
        for place in Path(sys.base_prefix).parents:
            inside = self.root / str(place).lstrip("/")
            inside.chmod(inside.stat().st_mode | 0o011)

    def run(self, context: Context, others: dict[str, "Stage"]) -> None:
        """All steps in order. Raises DockerfileError, CalledProcessError."""
        for step in self.steps.steps:
            print(f"  {step.name} {' '.join(step.text.split())[:110]}", flush=True)
            if step.name == "COPY":
                self._copy(step, context, others)
            else:
                getattr(self, f"_{step.name.lower()}", self._noted)(step)

    def _run(self, step: Step) -> None:
        self._lend_cache(step.options.get("mount", ""))
        command = ["chroot", str(self.root), "/bin/sh", "-c", f"cd {self.workdir} && {step.text}"]
        subprocess.run(command, check=True, env=self._variables(), stdin=subprocess.DEVNULL)

    def _lend_cache(self, option: str) -> None:
        """`--mount=type=cache,target=DIR`: this machine's own folder there, where it has one."""
        target = dict(part.split("=", 1) for part in option.split(",") if part).get("target")
        if target is not None:
            inside = self.root / target.lstrip("/")
            inside.mkdir(parents=True, exist_ok=True)
            if Path(target).is_dir():
                mount("--bind", target, str(inside))

    def _copy(self, step: Step, context: Context, others: dict[str, "Stage"]) -> None:
        *sources, target = step.words(self._variables())
        into = self.root / self.workdir.lstrip("/") / target if target[0] != "/" else self.root / target[1:]
        for source in sources:
            place = into / Path(source).name if target.endswith("/") else into
            if origin := step.options.get("from"):
                _copy_all(others[origin].root / source.lstrip("/"), place)
            else:
                context.copy(source, place)
            if mode := step.options.get("chmod"):
                place.chmod(int(mode, 8))

    def _arg(self, step: Step) -> None:
        name, _, value = step.text.partition("=")
        self.arguments[name] = filled(self._given.get(name, value), self._variables())

    def _env(self, step: Step) -> None:
        self.environ |= dict(word.split("=", 1) for word in step.words(self._variables()))

    def _workdir(self, step: Step) -> None:
        self.workdir = step.text
        (self.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _user(self, step: Step) -> None:
        self.user = step.text

    def _volume(self, step: Step) -> None:
        self.volumes += step.text.split()

    def _entrypoint(self, step: Step) -> None:
        self.entrypoint = step.command()

    def _cmd(self, step: Step) -> None:
        self.command = step.command()

    def _healthcheck(self, step: Step) -> None:
        self.health = Step(name="CMD", options={}, text=step.text.removeprefix("CMD ")).command()

    def _stopsignal(self, step: Step) -> None:
        self.stop_signal = step.text

    def _noted(self, step: Step) -> None:
        if step.name not in ("LABEL", "EXPOSE"):
            raise DockerfileError(f"{step.name} is not carried out here")

    def _variables(self) -> dict[str, str]:
        return self.environ | self.arguments


def _copy_all(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _environment() -> dict[str, str]:
    """The base image's: Python first on the path."""
    kept = {name: value for name, value in os.environ.items() if name.upper().startswith(_OF_THE_MACHINE)}
    python = f"{sys.base_prefix}/bin:{_SYSTEM}"
    # Pythons that are not Debian's own say that pip is to leave them alone; the base image's does not.
    return kept | {"PATH": python, "HOME": "/root", "PIP_BREAK_SYSTEM_PACKAGES": "1", "LANG": "C.UTF-8"}
