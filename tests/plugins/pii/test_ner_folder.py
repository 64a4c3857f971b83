"""A model's folder, read before anything is loaded: what is wrong there is said by its name."""

import hashlib
import json
from pathlib import Path

import pytest

from midwatch_core import Json, ModelError
from midwatch_pii.ner.loading.folder import onnx_weights, opened
from midwatch_pii.ner.loading.wish import Wish

CONFIG: dict[str, Json] = {"id2label": {"0": "O", "1": "B-PER"}, "vocab_size": 10, "max_position_embeddings": 64}


def wish(folder: Path, checksum: str | None = None) -> Wish:
    return Wish(name="own", folder=folder, least={}, max_stretches=8, checksum=checksum)


def written(folder: Path, config: object = CONFIG, weights: bytes = b"weights") -> Path:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model_quantized.onnx").write_bytes(weights)
    return folder


def test_a_folder_says_what_its_outputs_are(tmp_path: Path) -> None:
    folder = opened(wish(written(tmp_path)))
    assert (folder.labels, folder.positions, folder.vocabulary) == (("O", "B-PER"), 64, 10)
    assert onnx_weights(wish(tmp_path), folder)[1] == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "config.json: not JSON"),
        ("[]", "config.json: expected an object"),
        ({}, "config.json: expected id2label"),
        ({"id2label": {"1": "B-PER"}}, "config.json: expected id2label"),
        ({"id2label": {"0": "safe", "1": "injection"}}, "no label we know among safe, injection; expected some of"),
        ({"id2label": {"0": "PER"}}, "config.json: expected vocab_size"),
    ],
)
def test_a_configuration_that_will_not_do_is_named(tmp_path: Path, config: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        opened(wish(written(tmp_path, config)))


def test_a_folder_without_its_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"ner\.model own: .*config\.json: No such file"):
        opened(wish(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(ModelError, match=r"no weights; expected one of model_q4\.onnx"):
        onnx_weights(wish(tmp_path), opened(wish(tmp_path)))


def test_other_weights_than_asked_for_are_not_loaded(tmp_path: Path) -> None:
    asked = wish(written(tmp_path), checksum="0" * 64)
    with pytest.raises(ModelError, match=r"its SHA-256 is \w{64}, ner.checksum names 0{64}"):
        onnx_weights(asked, opened(asked))


def test_a_clone_without_its_large_files_is_told_how_to_get_them(tmp_path: Path) -> None:
    asked = wish(written(tmp_path, weights=b"version https://git-lfs.github.com/spec/v1\noid sha256:0"))
    with pytest.raises(ModelError, match="git lfs pull"):
        onnx_weights(asked, opened(asked))


def test_a_wish_comes_over_the_pipe_as_it_was(tmp_path: Path) -> None:
    asked = wish(tmp_path, checksum="ab" * 32)
    assert Wish.of(json.loads(json.dumps(asked.options()))) == asked
