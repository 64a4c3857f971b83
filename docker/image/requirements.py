"""Lists the tree's own wheels as requirements with hashes, so that `--require-hashes` holds for them too.

    python docker/image/requirements.py WHEELS DISTRIBUTION[EXTRA,…] …     (run in the tree, by the Dockerfile)

Two files in WHEELS: constraints.txt has every wheel, for what needs it; requirements.txt those that the workspace's
dependencies name, and those that are asked for beside.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path


def with_hash(wheel: Path) -> str:
    """Where the wheel is, and its hash, as they stand behind a name."""
    return f"@ {wheel.resolve().as_uri()} --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}"


def lists(wheels: Path, asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines of constraints.txt and of requirements.txt. Raises KeyError for a distribution without a wheel."""
    places = {_name(wheel.name.partition("-")[0]): with_hash(wheel) for wheel in sorted(wheels.glob("*.whl"))}
    # Named twice, a distribution is what was said last: with its extras.
    wanted = {_name(item): item for item in asked}
    return (
        [f"{name} {place}" for name, place in places.items()],
        [f"{item} {places[name]}" for name, item in wanted.items()],
    )


def _name(requirement: str) -> str:
    """The distribution's name in its normal form (PEP 503), without extras."""
    return re.sub(r"[-_.]+", "-", requirement.partition("[")[0]).lower()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    workspace = tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]
    constraints, requirements = lists(folder, [*workspace, *sys.argv[2:]])
    (folder / "constraints.txt").write_text("\n".join(constraints) + "\n")
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
