"""The chart as Helm renders it.

`python -m tests.docker.rendering FOLDER` writes the manifests of each of the chart's examples there, a file each, and
complains of what `helm lint --strict` complains of: for the checks of .ci/deploy.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.beside import HELM, ROOT, beside

CHART = ROOT / "docker" / "helm" / "midwatch"
EXAMPLES = {file.stem: yaml.safe_load(file.read_text()) for file in sorted((CHART / "examples").glob("*.yaml"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What came of one set of values."""

    error: str | None = None
    notes: str = ""
    text: str = ""
    lint: list[str] = field(default_factory=list)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """All objects, parsed."""
        return [item for item in yaml.safe_load_all(self.text) if item]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """The one object of a kind that is called so."""
        (found,) = (item for item in self.objects if item["kind"] == kind and item["metadata"]["name"] == name)
        return found

    def kinds(self, kind: str) -> dict[str, dict[str, Any]]:
        """All objects of a kind, by name."""
        return {item["metadata"]["name"]: item for item in self.objects if item["kind"] == kind}


def rendered(cases: Mapping[str, Any]) -> dict[str, Rendered]:
    """All cases, in one process of Helm's."""
    folder = beside(*HELM, module="helm_python")
    places = os.pathsep.join(str(place) for place in (ROOT, folder) if place)
    done = subprocess.run(
        [sys.executable, "-m", "tests.docker.helm_engine", str(CHART)],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {name: _read(answer) for name, answer in json.loads(done.stdout).items()}


def _read(answer: Mapping[str, Any]) -> Rendered:
    if "error" in answer:
        return Rendered(error=answer["error"])
    manifests = dict(answer["manifests"])
    notes = manifests.pop("midwatch/templates/NOTES.txt", "")
    text = "".join(f"---\n# {name}\n{text.strip()}\n" for name, text in sorted(manifests.items()) if text.strip())
    return Rendered(notes=notes, text=text, lint=answer["lint"])


def main(folder: Path) -> int:
    """The exit code."""
    complaints = 0
    for name, found in rendered(EXAMPLES).items():
        for complaint in [found.error, *found.lint]:
            if complaint:
                print(f"{name}: {complaint}", file=sys.stderr)
                complaints += 1
        (folder / f"{name}.yaml").write_text(found.text)
        print(f"{name}: {len(found.objects)} objects")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
