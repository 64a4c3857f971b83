"""The backend `onnx`: onnxruntime on one thread, with a tokenizer of the library `tokenizers`.

Source: https://onnxruntime.ai/docs/api/python/api_summary.html.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from midwatch_core import Json, ModelCard
from midwatch_pii.ner.loading.folder import Folder, onnx_weights, opened, tokenizer_of
from midwatch_pii.ner.loading.reading import Reading, Shares
from midwatch_pii.ner.loading.wish import Wish, refused, words_of_error

_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


def load(options: Mapping[str, Json]) -> Reading:
    """A model by its settings. Raises ModelError that names the file, and what would be right."""
    wish = Wish.of(options)
    try:
        import numpy
        import onnxruntime
    except ImportError as error:
        raise refused(wish, f"backend onnx: no {error.name}: pip install 'midwatch[ner]'") from error
    folder = opened(wish)
    weights, checksum = onnx_weights(wish, folder)
    card = ModelCard(
        name=wish.name,
        backend="onnx",
        revision=wish.revision,
        checksum=checksum,
        labels=folder.labels,
        facts={"folder": str(folder.path), "runtime": onnxruntime.__version__},
    )
    return Reading(
        wish,
        tokenizer=tokenizer_of(wish, folder),
        shares=_shares(wish, folder, _session(wish, weights, onnxruntime), numpy),
        positions=folder.positions,
        card=card,
    )


def _session(wish: Wish, weights: Path, onnxruntime: Any) -> Any:
    """One thread, and no arena that would keep what the longest text once took."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4  # what goes wrong is raised, and told to the owner
    try:
        session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except _faults() as error:
        raise refused(wish, f"{weights}: onnxruntime can't load it; is it whole? ({words_of_error(error)})") from error
    if strange := sorted({one.name for one in session.get_inputs()} - _INPUTS):
        raise refused(wish, f"{weights}: wants {', '.join(strange)}; known are {', '.join(sorted(_INPUTS))}")
    return session


def _shares(wish: Wish, folder: Folder, session: Any, numpy: Any) -> Shares:
    names = [one.name for one in session.get_inputs()]
    faults = _faults()

    def shares(ids: Sequence[int]) -> Sequence[Sequence[float]]:
        row = numpy.array([ids], dtype=numpy.int64)
        rows = {"input_ids": row, "attention_mask": numpy.ones_like(row), "token_type_ids": numpy.zeros_like(row)}
        try:
            logits = session.run(None, {name: rows[name] for name in names})[0][0]
        except faults as error:
            raise refused(wish, f"a stretch of {len(ids)} tokens: {words_of_error(error)}") from error
        if logits.shape != (len(ids), len(folder.labels)):
            raise refused(
                wish, f"{folder.path}: gave {logits.shape} for {len(ids)} tokens, {len(folder.labels)} labels"
            )
        raised = numpy.exp(logits - logits.max(axis=-1, keepdims=True))
        found: list[list[float]] = (raised / raised.sum(axis=-1, keepdims=True)).tolist()
        return found

    return shares


def _faults() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: classes of its own that share no base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile", "NotImplemented")
    return (*(getattr(state, name) for name in (*names, "RuntimeException")), RuntimeError, ValueError)
