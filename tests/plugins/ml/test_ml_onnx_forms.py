"""Any model of the form: classes that exclude each other, logits a token, and inputs that are not ours to give."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import Json, ModelError

for library in ("onnxruntime", "tokenizers"):
    pytest.importorskip(library, reason="the extra ml: uv run --extra ml pytest tests/plugins/ml")
onnx = pytest.importorskip("onnx", reason="models are made here: pip install onnx")
tokenizers = pytest.importorskip("tokenizers")

from midwatch_ml.loading.onnx_model import load  # noqa: E402  # after the skip

VOCABULARY = {"[UNK]": 0, "the": 1, "ignore": 2}
LOGITS = [[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]]


def made(folder: Path, *, per_token: bool, inputs: tuple[str, ...] = ("input_ids", "attention_mask")) -> Path:
    """A directory with a model whose logits are a table by token, or the mean of that over the text."""
    integers, floats = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    table = onnx.helper.make_tensor("table", floats, [3, 2], [value for row in LOGITS for value in row])
    nodes = [onnx.helper.make_node("Gather", ["table", "input_ids"], ["tokens"])]
    if per_token:
        nodes.append(onnx.helper.make_node("Identity", ["tokens"], ["logits"]))
    else:
        axes = onnx.helper.make_tensor("axes", integers, [1], [1])
        nodes.append(onnx.helper.make_node("ReduceMean", ["tokens", "axes"], ["logits"], keepdims=0))
    graph = onnx.helper.make_graph(
        nodes,
        "words",
        [onnx.helper.make_tensor_value_info(name, integers, ["batch", "length"]) for name in inputs],
        [onnx.helper.make_tensor_value_info("logits", floats, None)],
        [table] if per_token else [table, axes],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"id2label": {"0": "SAFE", "1": "INJECTION"}, "vocab_size": 3}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def options(folder: Path) -> dict[str, Json]:
    return {"id": "words", "source": str(folder), "window": 16, "stride": 12}


@pytest.mark.parametrize("per_token", [pytest.param(False, id="a text"), pytest.param(True, id="a token")])
def test_logits_of_a_text_or_of_its_tokens_are_one_probability(tmp_path: Path, per_token: bool) -> None:
    model = load(options(made(tmp_path, per_token=per_token)))
    assert (model.card.labels, model.card.facts["heads"]) == (("SAFE", "INJECTION"), [])
    answer: Any = model.run(["ignore the"])[0]
    assert answer["windows"] == [[0, 10, pytest.approx(1 / (1 + math.exp(-0.5)), abs=1e-5)]]


def test_marks_for_pairs_of_texts_are_given_where_they_are_wanted(tmp_path: Path) -> None:
    folder = made(tmp_path, per_token=False, inputs=("input_ids", "attention_mask", "token_type_ids"))
    assert load(options(folder)).run(["the"])[0] is not None


def test_inputs_that_are_not_of_texts_are_refused(tmp_path: Path) -> None:
    folder = made(tmp_path, per_token=False, inputs=("input_ids", "pixel_values"))
    with pytest.raises(ModelError, match="wants pixel_values; known are attention_mask, input_ids, token_type_ids"):
        load(options(folder))
