"""What a stage made, run as by `docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges`.

The root is the overlay's layers without one to write to. Its network is this process's.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Self

from tests.docker.rehearsal.stage import Stage, mount


class Container:
    """A read-only root with the stage's volumes; commands run in it as the stage's user."""

    def __init__(self, stage: Stage, folder: Path, *, also: tuple[str, ...] = ()) -> None:
        """`also`: volumes that the image does not ask for."""
        self.stage = stage
        self.root = folder / "container"
        self.root.mkdir()
        mount("-t", "overlay", "overlay", "-o", f"lowerdir={':'.join(map(str, stage.layers))}", str(self.root))
        for name in ("dev", "proc"):
            mount("--rbind", f"/{name}", str(self.root / name))
        mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs", str(self.root / "tmp"))
        places = enumerate((*stage.volumes, *also))
        self.volumes = {path: self._volume(path, folder / f"volume{number}") for number, path in places}
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs, with all that it has started."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _volume(self, path: str, place: Path) -> Path:
        """A new volume has what the image has there, and its owner."""
        inside = self.root / path.lstrip("/")
        shutil.copytree(inside, place)
        owner = inside.stat()
        shutil.chown(place, owner.st_uid, owner.st_gid)
        mount("--bind", str(place), str(inside))
        return place

    def start(self, *command: str, environ: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        """A process in it."""
        user, group = self.stage.user.split(":")
        confined = ["--reuid", user, "--regid", group, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
        inside = f'cd "{self.stage.workdir}" && exec "$@"'
        words = ["chroot", str(self.root), "setpriv", *confined, "--inh-caps=-all", "/bin/sh", "-c", inside, "sh"]
        self._started.append(
            subprocess.Popen(
                [*words, *command],
                env={**self.stage.environ, "HOME": self.stage.workdir, **(environ or {})},
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
                **options,
            )
        )
        return self._started[-1]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in it, to its end, as `docker exec`."""
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=120)
        if check and process.returncode:
            raise AssertionError(f"{' '.join(command)}: exit code {process.returncode}\n{out}{err}")
        return subprocess.CompletedProcess(command, process.returncode, out, err)
