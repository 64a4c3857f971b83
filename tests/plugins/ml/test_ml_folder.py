"""A model's folder: what is missing or wrong there is said by name, with what would be right."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import ModelError
from midwatch_ml.loading.checksum import checked, checksum_of
from midwatch_ml.loading.folder import Folder
from midwatch_ml.loading.found import Found
from midwatch_ml.loading.heads import Heads, heads_of
from midwatch_ml.loading.source import folder_of
from midwatch_ml.loading.windows import hollow
from midwatch_ml.loading.wish import Wish

TWO = {"id2label": {"0": "SAFE", "1": "INJECTION"}, "vocab_size": 10}


def folder(path: Path, config: Any, calibration: Any = None) -> Folder:
    (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    if calibration is not None:
        (path / "classifier_config.json").write_text(json.dumps(calibration))
    return Folder.open(Wish(id="mine", source=str(path)), path)


def wish(path: Path, **changes: Any) -> Wish:
    return Wish(**{"id": "mine", "source": str(path), **changes})


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"model mine: source: there is no directory {tmp_path}/nowhere"):
        Found.at(wish(tmp_path / "nowhere"))


def test_a_package_that_is_not_there_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the package no_such_package is not installed: pip install 'midwatch\[ml\]'"):
        folder_of(wish(tmp_path, source="package:no_such_package/models"))


def test_a_package_is_left_by_no_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no folder"):
        folder_of(wish(tmp_path, source="package:midwatch_core/../../.."))
    with pytest.raises(ModelError, match="has no folder no/such; is it another version"):
        folder_of(wish(tmp_path, source="package:midwatch_core/no/such"))


def test_the_code_of_a_package_is_not_run_to_find_its_data(tmp_path: Path) -> None:
    """Its data is found, and a package that would end the process is not imported."""
    (tmp_path / "carrier" / "models" / "m").mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").write_text("raise SystemExit('imported')")
    program = (
        "from midwatch_ml.loading.source import folder_of\nfrom midwatch_ml.loading.wish import Wish\n"
        "import sys\nfound, _ = folder_of(Wish(id='m', source='package:carrier/models/m'))\n"
        "print(found, 'carrier' in sys.modules)"
    )
    path = [str(tmp_path), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [str(tmp_path / "carrier/models/m"), "False"], done.stderr


@pytest.mark.parametrize(
    ("config", "says"),
    [
        pytest.param("{", "config.json: not JSON", id="not JSON"),
        pytest.param([1], "config.json: expected an object", id="a list"),
        pytest.param({}, "config.json: no id2label", id="no labels"),
        pytest.param({"id2label": {"1": "A", "2": "B"}}, "does not count from 0", id="from one"),
        pytest.param(
            {"id2label": {"0": "SAFE", "1": "JAILBREAK"}},
            "injection_label: INJECTION is no label of .*; it has SAFE, JAILBREAK",
            id="another label",
        ),
    ],
)
def test_a_configuration_that_tells_no_injection_is_refused(tmp_path: Path, config: Any, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        heads_of(wish(tmp_path), folder(tmp_path, config))


def test_an_absent_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config.json: No such file"):
        Folder.open(wish(tmp_path), tmp_path)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"id2label": {"0": "SAFE", "1": "injection"}}, id="id2label"),
        pytest.param({"label2id": {"INJECTION": 1, "SAFE": 0}}, id="label2id"),
    ],
)
def test_the_label_of_an_injection_is_found_whatever_its_case(tmp_path: Path, config: Any) -> None:
    assert heads_of(wish(tmp_path), folder(tmp_path, config)).injection == 1


def test_classes_that_exclude_each_other_are_one_probability_of_the_label() -> None:
    heads = Heads(labels=("SAFE", "INJECTION"), names=(), injection=1, temperature=1.0)
    assert heads.probabilities([0.0, 0.0]) == (0.5,)
    assert heads.probabilities([2000.0, -2000.0])[0] == pytest.approx(0)


def test_heads_of_a_model_with_two_are_a_yes_or_no_each(tmp_path: Path) -> None:
    found = folder(tmp_path, {}, {"multi_head": True, "calibration": {"temperatureT": 2.0}})
    heads = heads_of(wish(tmp_path), found)
    assert heads.names == ("main", "aux")
    assert heads.probabilities([2.0, -2000.0]) == pytest.approx((0.7310586, 0.0))
    assert heads_of(wish(tmp_path, temperature=4.0), found).temperature == 4.0


@pytest.mark.parametrize("temperature", ["2", 0, -1, True, None])
def test_a_temperature_that_is_none_is_refused(tmp_path: Path, temperature: Any) -> None:
    found = folder(tmp_path, TWO, {"calibration": {"temperatureT": temperature}})
    with pytest.raises(ModelError, match=r"classifier_config.json: temperatureT: .* is no temperature"):
        heads_of(wish(tmp_path), found)


@pytest.mark.parametrize("logits", [[1.0], [1.0, 2.0, 3.0], [float("nan"), 0.0]])
def test_other_outputs_than_announced_are_no_probabilities(logits: list[float]) -> None:
    heads = Heads(labels=("SAFE", "INJECTION"), names=(), injection=1, temperature=1.0)
    with pytest.raises(ValueError, match="2 numbers were expected"):
        heads.probabilities(logits)


def test_weights_that_are_not_there_are_asked_for_by_name(tmp_path: Path) -> None:
    found = folder(tmp_path, TWO)
    with pytest.raises(ModelError, match=r"no weights: expected one of model_quantized.onnx"):
        found.onnx(wish(tmp_path))
    with pytest.raises(ModelError, match=r"no weights: expected model.safetensors"):
        found.safetensors(wish(tmp_path))


def test_a_pointer_of_git_lfs_is_not_taken_for_weights(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(ModelError, match="a pointer of Git LFS, not the weights"):
        folder(tmp_path, TWO).onnx(wish(tmp_path))


def test_quantised_weights_come_first_and_what_lies_beside_them_counts(tmp_path: Path) -> None:
    for name in ("model.onnx", "model_quantized.onnx", "model_quantized.onnx_data"):
        (tmp_path / name).write_bytes(name.encode())
    files = folder(tmp_path, TWO).onnx(wish(tmp_path))
    assert [file.name for file in files] == ["model_quantized.onnx", "model_quantized.onnx_data"]
    assert checksum_of(files) != checksum_of(files[:1])


def test_other_weights_than_named_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"weights")
    right = checksum_of([file])
    assert checked(wish(tmp_path, checksum=right), [file]) == right
    with pytest.raises(ModelError, match=f"has {right}, the settings name {'0' * 64}: these are other weights"):
        checked(wish(tmp_path, checksum="0" * 64), [file])


@pytest.mark.parametrize(
    ("ids", "is_hollow"),
    [
        pytest.param([7] * 50, True, id="one token"),
        pytest.param([7, 8] * 25, False, id="two in turn"),
        pytest.param([7] * 40 + list(range(10, 16)), False, id="with words in it"),
        pytest.param([0] * 50, False, id="unknown ones"),
        pytest.param([7, 7], False, id="too short to tell"),
        pytest.param([], False, id="none"),
    ],
)
def test_a_window_of_one_token_over_and_over_is_hollow(ids: list[int], is_hollow: bool) -> None:
    assert hollow(ids, unknown={0}) is is_hollow
