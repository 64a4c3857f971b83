"""The weights of the extra `ner`, in a process of their own: what they find, and what becomes of spoilt ones."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import MODEL_METRICS, Host, Metrics, ModelError, Part, Role, Text
from midwatch_pii import Pii
from midwatch_pii.ner.entities import Kind
from midwatch_pii.ner.installed import folder_of
from midwatch_pii.ner.loading import onnx_model
from midwatch_pii.ner.loading.wish import Wish
from midwatch_pii.ner.settings import NerSettings

pytestmark = pytest.mark.skipif(
    not NerSettings().is_wanted, reason="the extra ner: uv run --extra ner pytest tests/plugins/pii"
)
# Design: a model's process of ours stays below.
MOST_MEGABYTES = 250


class Asked:
    """The plugin in control, its model loaded."""

    def __init__(self, plugin: Any, metrics: Metrics) -> None:
        self.plugin = plugin
        self.metrics = metrics

    async def __call__(self, text: str) -> list[tuple[str, str]]:
        said = await self.plugin.classify_text(text, Part.USER)
        return [(one.kind, text[one.start : one.end]) for one in said.detections]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped model, to be spoilt file by file."""
    folder = tmp_path_factory.mktemp("spoilt") / "model"
    shutil.copytree(folder_of(NerSettings().model)[0], folder)
    return folder


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    metrics = Metrics()
    metrics.declare(MODEL_METRICS)
    # A few stretches take as much memory as many, and the machine may be loaded.
    plugin: Any = Pii(Pii.Config(ner=NerSettings(max_stretches=8)))
    await plugin.startup(Host(role=Role.CONTROL, home=tmp_path, metrics=metrics))
    async with asyncio.timeout(120):
        while not plugin.health().ready:
            await asyncio.sleep(0.05)
    yield Asked(plugin, metrics)
    await plugin.shutdown()


async def test_names_addresses_and_places_are_found_beside_what_patterns_find(asked: Asked) -> None:
    text = "Tell Jane Roebling (jane.roebling@corp.io) that her flat in Lisbon is at 12 Quiet Hollow, Unit 4."
    assert await asked(text) == [("PERSON", "Jane Roebling"), ("LOCATION", "Lisbon")]
    assert "Unit 4" in " ".join(text[one.start : one.end] for one in asked.plugin.inspect_text(Text(text), Part.USER))
    assert await asked('{"customer": "Jane Roebling", "id": 7}') == [("PERSON", "Jane Roebling")]
    assert await asked("from json import JsonError\n\nclass Slots(Enum):\n    name = 'slots'\n") == []


async def test_any_text_is_answered_within_the_memory_it_may_take(asked: Asked) -> None:
    for text in ("a" * 1_000_000, "Jane a " * 20_000, "가" * 5_000, "\ud800 (" * 1_000, "\n\n" * 100_000, ""):
        await asked(text)
    resident = {one.labels: one.values[0] for one in asked.metrics.samples(["midwatch_model_resident_bytes"])}
    assert 0 < resident[("rampart",)] < MOST_MEGABYTES * 1024 * 1024


async def test_the_process_that_asks_has_nothing_of_the_model_in_it(tmp_path: Path) -> None:
    told = "print({'onnxruntime', 'tokenizers', 'numpy'} & set(sys.modules))"
    code = f"import sys; from midwatch_pii import Pii; Pii(); {told}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert (await process.communicate())[0].strip() == b"set()"


def loaded(folder: Path, checksum: str | None = None) -> Any:
    wish = Wish(name="own", folder=folder, least={Kind.PERSON: 0.5}, max_stretches=8, checksum=checksum)
    return onnx_model.load(wish.options())


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("onnx/model_q4.onnx", b"\x08\x07 no model", "onnx/model_q4.onnx: onnxruntime can't load it; is it whole"),
        ("tokenizer.json", b"{}", "tokenizer.json: no tokenizer"),
        ("config.json", json.dumps({"id2label": {"0": "PER"}, "vocab_size": 19730}).encode(), "tokens, 1 labels"),
        ("config.json", json.dumps({"id2label": {"0": "PER"}, "vocab_size": 100}).encode(), "another model's"),
    ],
    ids=["weights", "tokenizer", "labels", "vocabulary"],
)
def test_a_spoilt_file_is_named(spoilt: Path, file: str, content: bytes, message: str) -> None:
    whole = (spoilt / file).read_bytes()
    (spoilt / file).write_bytes(content)
    try:
        with pytest.raises(ModelError, match=message):
            loaded(spoilt)
    finally:
        (spoilt / file).write_bytes(whole)


def test_a_copy_elsewhere_is_a_model_like_any(spoilt: Path) -> None:
    (answer,) = loaded(spoilt).run(["Ask Jane Roebling."])
    assert [one[:3] for one in answer["entities"]] == [["PERSON", 4, 17]]
    assert answer["skipped"] == 0
    with pytest.raises(ModelError, match="SHA-256"):
        loaded(spoilt, checksum="0" * 64)


def test_what_is_not_read_of_a_long_text_is_told() -> None:
    (answer,) = loaded(folder_of(NerSettings().model)[0]).run(["Ask Jane Roebling.\n\n" * 100])
    assert answer["skipped"] == 92 * 20
    assert len(answer["entities"]) == 8
