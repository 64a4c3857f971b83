"""The files of a model's folder: what its configuration says, and which of them are the weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from midwatch_core import Json
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.wish import Wish

_LONGEST = 16 * 1024 * 1024
# A clone without its large files has this text in their place: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_POINTER = b"version https://git-lfs"
# By preference: the quantised ones are what a processor without an accelerator can bear.
ONNX = (
    "model_quantized.onnx",
    "model_int8.onnx",
    "model.onnx",
    "onnx/model_quantized.onnx",
    "onnx/model_int8.onnx",
    "onnx/model.onnx",
)
SAFETENSORS = "*.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder. `config` is `config.json`; `calibration` is `classifier_config.json`, empty where there is none."""

    path: Path
    config: Mapping[str, Json]
    calibration: Mapping[str, Json]

    @classmethod
    def open(cls, wish: Wish, path: Path) -> "Folder":
        """Read what it says of itself. Raises ModelError that names the file."""
        config = _document(wish, path / "config.json")
        own = path / "classifier_config.json"
        return cls(path=path, config=config, calibration=_document(wish, own) if own.exists() else {})

    def onnx(self, wish: Wish) -> list[Path]:
        """The file of weights, and what lies beside it where it is too large for one. Raises ModelError."""
        for name in ONNX:
            file = self.path / name
            if file.is_file():
                return [_whole(wish, file), *sorted(file.parent.glob(f"{file.name}[_.]data*"))]
        raise refused(wish.id, f"{self.path}: no weights: expected one of {', '.join(ONNX)}")

    def safetensors(self, wish: Wish) -> list[Path]:
        """The files of weights, in order. Raises ModelError where there are none."""
        files = sorted(self.path.glob(SAFETENSORS))
        if not files:
            raise refused(wish.id, f"{self.path}: no weights: expected model.safetensors (pickles are not loaded)")
        return [_whole(wish, file) for file in files]

    @property
    def tokenizer(self) -> Path:
        """Where the tokenizer is, if it is there."""
        return self.path / "tokenizer.json"


def _document(wish: Wish, path: Path) -> Mapping[str, Json]:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
        document = json.loads(data)
    except OSError as error:
        raise refused(wish.id, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise refused(wish.id, f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise refused(wish.id, f"{path}: expected an object")
    return document


def _whole(wish: Wish, path: Path) -> Path:
    try:
        with path.open("rb") as file:
            head = file.read(len(_POINTER))
    except OSError as error:
        raise refused(wish.id, f"{path}: {error.strerror}") from error
    if head == _POINTER:
        raise refused(wish.id, f"{path}: a pointer of Git LFS, not the weights: `git lfs pull` brings them")
    return path
