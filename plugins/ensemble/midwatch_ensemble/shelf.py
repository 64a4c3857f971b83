"""The shelf: a home's own calibrations, all versions of them, and which one is in use.

`<home>/ensemble/calibrations/VERSION.json`, and the version in `<home>/ensemble/in-use`. Without that file the shipped
one is used; nothing is ever overwritten, so that every step can be taken back.
"""

import os
from importlib.resources import files
from pathlib import Path

from midwatch_core import ConfigError
from midwatch_ensemble.calibration import LONGEST, Calibration, is_version, read_calibration, written

SHIPPED = "shipped"
_LONGEST_NAME = 100


def shipped() -> Calibration:
    """The calibration that comes with the plugin."""
    return read_calibration((files("midwatch_ensemble") / "data" / "calibration.json").read_bytes())


class Shelf:
    """The calibrations of one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "ensemble" / "calibrations"
        self.in_use_file = home / "ensemble" / "in-use"

    def versions(self) -> list[str]:
        """The versions of this home, oldest first; the shipped one is not among them."""
        found = sorted(self._folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [path.stem for path in found]

    def in_use(self) -> str:
        """The version in use. Raises ConfigError."""
        try:
            with self.in_use_file.open(encoding="utf-8") as file:
                return file.read(_LONGEST_NAME).strip() or SHIPPED
        except FileNotFoundError:
            return SHIPPED
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.in_use_file}: {error}") from error

    def read(self, version: str) -> Calibration:
        """A calibration, or the shipped one. Raises ConfigError."""
        if version == SHIPPED:
            return shipped()
        path = self._folder / f"{version}.json"
        if not is_version(version) or not path.is_file():
            known = ", ".join([SHIPPED, *self.versions()])
            raise ConfigError(f"ensemble: no calibration {version}; there are {known}")
        try:
            with path.open("rb") as file:
                return read_calibration(file.read(LONGEST + 1))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: {error}") from error

    def current(self) -> Calibration:
        """The calibration in use. Raises ConfigError."""
        return self.read(self.in_use())

    def add(self, calibration: Calibration) -> Path:
        """Keep a new version. Raises ConfigError where there is one of that name."""
        path = self._folder / f"{calibration.version}.json"
        if path.exists() or calibration.version == SHIPPED:
            raise ConfigError(f"ensemble: there is a calibration {calibration.version} already")
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(path, written(calibration))
        return path

    def use(self, version: str) -> None:
        """Take a version into use, or the shipped one again. Raises ConfigError, and changes nothing then."""
        self.read(version)
        self.in_use_file.parent.mkdir(parents=True, exist_ok=True)
        _write(self.in_use_file, f"{version}\n".encode())


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing: who reads meanwhile sees the old file."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)
