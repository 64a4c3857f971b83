"""The default model as a directory for transformers: its int8 weights as floats, its heads as a token classifier.

Mean pooling and a linear layer are the mean of the token's own logits, so the same numbers come of both forms.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def as_directory(source: Path, target: Path) -> Path:
    """Write `target`, with all that `source` says but its weights."""
    import torch
    from safetensors.torch import save_file

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.onnx"))
    config = json.loads((source / "config.json").read_text())
    config |= {"architectures": ["BertForTokenClassification"], "id2label": {"0": "main", "1": "aux"}}
    (target / "config.json").write_text(json.dumps(config | {"label2id": {"main": 0, "aux": 1}}))
    floats = {name: torch.from_numpy(value.copy()) for name, value in _weights(source).items()}
    save_file(floats, str(target / "model.safetensors"), metadata={"format": "pt"})
    return target


def _weights(source: Path) -> dict[str, Any]:
    import numpy
    import onnx

    graph = onnx.load(str(source / "model_quantized.onnx")).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    found = {_named(name): value for name, value in stored.items() if name.startswith("base.") and _is_float(value)}
    found |= {
        _named(name.removesuffix("_quantized")): _floats(stored, name.removesuffix("_quantized"))
        for name in stored
        if name.startswith("base.") and name.endswith("_quantized")
    }
    for node in graph.node:
        if node.op_type == "MatMulInteger" and node.name.startswith("/base/"):
            place = node.name.removeprefix("/base/").removesuffix("/MatMul_quant").replace("/", ".")
            found[f"bert.{place}.weight"] = _floats(stored, node.input[1].removesuffix("_quantized")).T.copy()
    heads = [_floats(stored, f"{head}.weight").T for head in ("main_head", "aux_head")]
    found["classifier.weight"] = numpy.concatenate(heads)
    found["classifier.bias"] = numpy.concatenate([stored["main_head.bias"], stored["aux_head.bias"]])
    return found


def _named(name: str) -> str:
    return "bert." + name.removeprefix("base.")


def _is_float(value: Any) -> bool:
    return bool(value.dtype.kind == "f" and value.ndim)


def _floats(stored: Mapping[str, Any], name: str) -> Any:
    """(quantised - zero point) * scale, as the format says: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html."""
    whole = stored[f"{name}_quantized"].astype("float32") - stored[f"{name}_zero_point"].astype("float32")
    return whole * stored[f"{name}_scale"]
