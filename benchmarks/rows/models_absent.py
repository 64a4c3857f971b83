"""What models cost those who have none: which of their modules supervisor, worker and control import, and all imports.

Python writes down what it imports (`-X importtime`). Where the extra is installed its plugins are not allowed here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks.load import chat_request
from benchmarks.row import Row, at_most
from benchmarks.session import Session
from benchmarks.sim import Sim
from benchmarks.with_models import suite_with

_MODELS = frozenset(
    (
        "midwatch_ml",
        "midwatch_ensemble",
        "numpy",
        "onnxruntime",
        "tokenizers",
        "torch",
        "transformers",
        "huggingface_hub",
    )
)
_IMPORTED = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)


async def measure(session: Session) -> list[Row]:
    """One call goes through first: what is imported late is seen too."""
    if not session.suite:
        return []
    host = suite_with("imports")
    host.settings = {**host.settings, "PYTHONPROFILEIMPORTTIME": "1"}
    async with session.started([host]) as (running,):
        await running.load(chat_request(Sim()), concurrency=1, exchanges=16)
    imports = _IMPORTED.findall((session.bench.folder / f"{host.name}.log").read_text())
    if not any(name == "midwatch.proxy.suite" for _, name in imports):
        raise RuntimeError("the worker's imports are not in the log")
    return _rows([(int(us), name) for us, name in imports])


def _rows(imports: Sequence[tuple[int, str]]) -> list[Row]:
    of_models = [name for _, name in imports if name.partition(".")[0] in _MODELS]
    return [
        at_most("models' modules imported without the extra", len(of_models), "modules", 0.0),
        Row(name="all imports of supervisor, worker and control", value=sum(us for us, _ in imports) / 1e6, unit="s"),
    ]
