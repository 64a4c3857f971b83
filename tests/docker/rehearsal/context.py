"""The build context: which files of the tree Docker would see, by Dockerfile.dockerignore."""

import re
import shutil
from pathlib import Path


class Context:
    """A tree, and the patterns of its ignore file; the last one that fits a path decides."""

    def __init__(self, root: Path, ignored: str) -> None:
        self.root = root
        self._rules = [
            (not line.startswith("!"), _pattern(line.lstrip("!")))
            for line in map(str.strip, ignored.splitlines())
            if line and not line.startswith("#")
        ]

    def sees(self, path: str) -> bool:
        """Whether a path (of a file, or of a folder that is copied whole) is in the context."""
        seen = True
        for hides, pattern in self._rules:
            if pattern.fullmatch(path):
                seen = not hides
        return seen

    def copy(self, source: str, target: Path) -> None:
        """As COPY does: a folder's contents into `target`, or a file to it. Raises FileNotFoundError where unseen."""
        place = self.root / source
        if not place.exists() or not self.sees(source.rstrip("/")):
            raise FileNotFoundError(f"COPY {source}: not in the build context")
        if place.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place, target)
            return
        shutil.copytree(place, target, dirs_exist_ok=True, ignore=self._unseen)

    def _unseen(self, folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(self.root)
        return {name for name in names if not self.sees(str(inside / name))}


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of an ignore file: it fits a path, and all that is beneath it."""
    parts = re.split(r"(\*\*/|\*)", text.rstrip("/"))
    spelled = "".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    return re.compile(spelled + "(?:/.*)?")
