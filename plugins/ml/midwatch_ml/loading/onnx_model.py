"""The backend `onnx`: onnxruntime on one thread, with a tokenizer of the library `tokenizers`.

Sources: https://onnxruntime.ai/docs/api/python/api_summary.html, https://onnxruntime.ai/docs/performance/tune-performance/threading.html.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from midwatch_core import Json
from midwatch_ml.loading.answering import Answering, Logits
from midwatch_ml.loading.checksum import checked
from midwatch_ml.loading.found import Found
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.tokenizer import tokenizer_of
from midwatch_ml.loading.wish import Wish

_FETCHED = ("*.onnx", "*.onnx_data", "onnx/*")
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


def load(options: Mapping[str, Json]) -> Answering:
    """A model by its settings. Raises ModelError that names the file or setting, and what would be right."""
    wish = Wish.of(options)
    try:
        import onnxruntime
        import tokenizers  # noqa: F401  # missed here, where it is told what to install
    except ImportError as error:
        raise refused(wish.id, f"backend onnx: no {error.name}: pip install 'midwatch[ml]'") from error
    found = Found.at(wish, fetched=_FETCHED)
    weights = found.folder.onnx(wish)
    card = found.card(backend="onnx", runtime=onnxruntime.__version__, checksum=checked(wish, weights))
    tokenizer = tokenizer_of(wish, found.folder)
    logits = _logits(wish, _session(wish, weights[0], onnxruntime))
    return Answering(found, tokenizer=tokenizer, logits=logits, card=card)


def _session(wish: Wish, weights: Path, onnxruntime: Any) -> Any:
    """One thread, and no arena that would keep what the longest text once took."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4  # what goes wrong is raised, and told to the owner
    try:
        session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except _faults() as error:
        reason = " ".join(str(error).split())[:200]
        raise refused(
            wish.id, f"{weights}: no model that onnxruntime can load; is the file whole? ({reason})"
        ) from error
    strange = {one.name for one in session.get_inputs()} - _INPUTS
    if strange:
        raise refused(wish.id, f"{weights}: wants {', '.join(sorted(strange))}; known are {', '.join(sorted(_INPUTS))}")
    return session


def _logits(wish: Wish, session: Any) -> Logits:
    import numpy

    names = [one.name for one in session.get_inputs()]
    faults = _faults()

    def run(ids: Sequence[int]) -> Sequence[float]:
        row = numpy.array([ids], dtype=numpy.int64)
        rows = {"input_ids": row, "attention_mask": numpy.ones_like(row), "token_type_ids": numpy.zeros_like(row)}
        try:
            output = session.run(None, {name: rows[name] for name in names})[0][0]
        except faults as error:
            raise refused(wish.id, f"a window of {len(ids)} tokens: {' '.join(str(error).split())[:200]}") from error
        means = output.mean(axis=0) if output.ndim == 2 else output
        return [float(value) for value in means.reshape(-1)]

    return run


def _faults() -> tuple[type[BaseException], ...]:
    """What onnxruntime raises: classes of its own that share no base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile", "NotImplemented")
    return (*(getattr(state, name) for name in (*names, "RuntimeException")), RuntimeError, ValueError)
