"""The plugin with a model in a process of its own, here one of the standard library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from midwatch_core import (
    MODEL_METRICS,
    Detection,
    Host,
    Json,
    Metrics,
    ModelError,
    Part,
    PluginHealth,
    Role,
    Text,
)
from midwatch_pii import Pii
from midwatch_pii.ner.asking import Ner, Patterns, read
from midwatch_pii.ner.entities import Kind
from midwatch_pii.ner.settings import NerSettings

PATTERNS = Pii(Pii.Config(ner=NerSettings(enabled=False)))


def hits(text: str, part: Part) -> list[Detection]:
    return PATTERNS.inspect_text(Text(text), part)


@asynccontextmanager
async def ner(
    folder: Path, *, role: Role = Role.WORKER, load: str = "load", ready_within_s: float = 60.0
) -> AsyncIterator[tuple[Ner, Metrics]]:
    metrics = Metrics()
    metrics.declare(MODEL_METRICS)
    made = Ner(
        NerSettings(model=str(folder), ready_within_s=ready_within_s),
        {Kind.PERSON: 0.5},
        Patterns(hits=hits, is_allowed=lambda kind, value: value == "Nobody"),
        load=f"tests.plugins.pii.named_model:{load}",
    )
    if (begun := made.startup(Host(role=role, home=folder, metrics=metrics))) is not None:
        await begun
    try:
        yield made, metrics
    finally:
        if (ended := made.shutdown()) is not None:
            await ended


async def asked(made: Ner, text: str) -> list[tuple[str, str]]:
    answer = made.classify_text(text, Part.USER)
    assert answer is not None
    said = await answer
    assert said.votes == ()
    return [(one.rule, text[one.start : one.end]) for one in said.detections]


async def healthy(made: Ner) -> PluginHealth:
    async with asyncio.timeout(120):
        while (stands := made.health()) is None or not stands.ready:
            await asyncio.sleep(0.02)
    return stands


def model_of(health: PluginHealth, name: str) -> dict[str, Json]:
    models = health.facts["models"]
    assert isinstance(models, dict)
    model = models[name]
    assert isinstance(model, dict)
    return model


async def test_names_come_back_where_no_pattern_has_them(tmp_path: Path) -> None:
    async with ner(tmp_path) as (made, _):
        assert await asked(made, "ask Jane, or Jane.Roe@corp.io, not Nobody") == [("pii/person-name", "Jane")]
        assert await asked(made, "nothing here") == []


async def test_a_long_text_is_answered_and_a_longer_one_is_counted_as_capped(tmp_path: Path) -> None:
    async with ner(tmp_path, role=Role.CONTROL) as (made, metrics):
        await healthy(made)
        assert await asked(made, "so " * 10_000 + "Jane") == [("pii/person-name", "Jane")]
        assert await asked(made, "so " * 200_000 + "Jane") == [("pii/person-name", "Jane")]
        assert await asked(made, "so " * 400_000 + "Jane") == []
        outcomes = {one.labels: one.values[0] for one in metrics.samples(["midwatch_model_texts_total"])}
        assert outcomes[tmp_path.name, "capped"] == 2
        facts = model_of(await healthy(made), tmp_path.name)
        assert facts["capped"] == 2


async def test_other_parts_and_processes_that_look_at_no_text_are_not_asked(tmp_path: Path) -> None:
    async with ner(tmp_path) as (made, _):
        assert made.classify_text("Jane", Part.SYSTEM) is None
    for role in (Role.POOL, Role.FACE):
        async with ner(tmp_path, role=role) as (made, _):
            assert made.classify_text("Jane", Part.USER) is None
            assert made.health() is None


async def test_control_is_ready_when_the_model_is(tmp_path: Path) -> None:
    async with ner(tmp_path, role=Role.CONTROL) as (made, _):
        first = made.health()
        assert first is not None
        assert not first.ready
        facts = model_of(await healthy(made), tmp_path.name)
        assert facts["state"] == "ready"


async def test_a_model_that_is_not_to_be_had_keeps_nobody_waiting_and_is_named(tmp_path: Path) -> None:
    async with ner(tmp_path, role=Role.CONTROL, load="missing") as (made, _):
        facts = model_of(await healthy(made), tmp_path.name)
        assert "no weights" in str(facts["problem"])
        with pytest.raises(ModelError, match="no weights"):
            await asked(made, "Jane")


async def test_readiness_waits_for_so_long_only(tmp_path: Path) -> None:
    async with ner(tmp_path, role=Role.CONTROL, ready_within_s=0) as (made, _):
        stands = made.health()
        assert stands is not None
        assert stands.ready


async def test_nonsense_of_the_model_is_its_fault(tmp_path: Path) -> None:
    async with ner(tmp_path) as (made, _):
        with pytest.raises(ModelError, match="nonsense"):
            await asked(made, "nonsense")


@pytest.mark.parametrize("answer", [None, [], {}, {"entities": [[]], "skipped": 0}, {"entities": [], "skipped": "x"}])
def test_only_an_answer_of_ours_is_read(answer: Json) -> None:
    with pytest.raises(ModelError, match="nonsense"):
        read(answer)


NOWHERE = "package:no_such_package_of_anybody/model"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder, where packages named as the extra's can be found: nothing of them is imported here anyway."""
    for name in ("onnxruntime", "tokenizers", "numpy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_without_the_extra_there_is_no_hook_more() -> None:
    plugin = Pii(Pii.Config(ner=NerSettings(model=NOWHERE)))
    assert not {"classify_text", "health", "metrics", "startup", "shutdown"} & set(dir(plugin))


@pytest.mark.parametrize(("backend", "extra"), [("onnx", r"midwatch\[ner\]"), ("transformers", r"midwatch\[transfo")])
def test_what_is_asked_for_by_name_must_be_installed(backend: str, extra: str) -> None:
    with pytest.raises(
        ValidationError, match=rf"enabled: \w+ is not installed; expected the extra {extra}.*auto or off"
    ):
        NerSettings.model_validate({"enabled": True, "backend": backend, "model": NOWHERE})


def test_with_the_extra_the_plugin_asks_a_model(installed: Path) -> None:
    plugin = Pii(Pii.Config(ner=NerSettings(model=str(installed))))
    assert {"classify_text", "health", "metrics", "startup", "shutdown"} <= set(dir(plugin))
    off = Pii(Pii.Config(ner=NerSettings(model=str(installed), enabled=False)))
    assert "classify_text" not in dir(off)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("/no/such/place", "there is no directory /no/such/place"),
        ("package:numpy/no/such/model", "there is no directory"),
        ("package:numpy/..", "leads out of the package"),
        ("package:numpy", "expected package:NAME/PATH"),
    ],
)
def test_a_model_that_is_not_there_is_a_mistake_of_the_settings(model: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NerSettings(model=model)


@pytest.mark.parametrize(
    ("written", "enabled"), [("on", True), ("off", False), ("auto", "auto"), (True, True), (False, False)]
)
def test_on_and_off_are_understood_as_yaml_and_as_variables(installed: Path, written: object, enabled: object) -> None:
    assert NerSettings.model_validate({"enabled": written, "model": str(installed)}).enabled == enabled


def test_kinds_of_both_are_asked_for_where_patterns_are_and_no_less_sure(installed: Path) -> None:
    config = Pii.Config(kinds=("EMAIL",), least_confidence=0.7, ner=NerSettings(model=str(installed)))
    least = Pii(config).classify_text.__self__._wish.least  # type: ignore[attr-defined]
    assert least == {Kind.PERSON: 0.7, Kind.LOCATION: 0.7}
