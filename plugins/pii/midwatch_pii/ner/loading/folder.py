"""The files of a model: its configuration, its labels, its tokenizer, its weights and their checksum."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch_core import Guard, Json
from midwatch_pii.ner.loading.wish import Wish, refused, words_of_error
from midwatch_pii.ner.meanings import columns

_LONGEST_CONFIG = 16 * 1024 * 1024
# By preference: quantised ones are what a processor without an accelerator can bear.
_NAMES = ("model_q4", "model_quantized", "model_int8", "model")
ONNX = tuple(f"{folder}{name}.onnx" for folder in ("", "onnx/") for name in _NAMES)
# A clone without its large files has this in their place: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_POINTER = b"version https://git-lfs"
_MOST_POSITIONS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A model's folder: its labels in the order of its outputs, and how many tokens it reads at once."""

    path: Path
    labels: tuple[str, ...]
    positions: int
    vocabulary: int


def opened(wish: Wish) -> Folder:
    """What `config.json` says. Raises ModelError, also for labels of which none is a name, address or place."""
    path = wish.folder / "config.json"
    config = _document(wish, path)
    labels = _labels(config.get("id2label"))
    if not labels:
        raise refused(wish, f"{path}: expected id2label, labels that count from 0")
    if not columns(labels):
        known = "PERSON, PER, GIVEN_NAME, ADDRESS, STREET_NAME, LOC, CITY"
        raise refused(wish, f"{path}: no label we know among {', '.join(labels[:12])}; expected some of {known}")
    vocabulary, positions = config.get("vocab_size"), config.get("max_position_embeddings")
    if not isinstance(vocabulary, int):
        raise refused(wish, f"{path}: expected vocab_size, a number")
    positions = min(positions, _MOST_POSITIONS) if isinstance(positions, int) else _MOST_POSITIONS
    return Folder(path=wish.folder, labels=labels, positions=positions, vocabulary=vocabulary)


def tokenizer_of(wish: Wish, folder: Folder) -> Any:
    """The tokenizer of `tokenizer.json`, which neither cuts nor pads. Raises ModelError for none, or another's."""
    from tokenizers import Tokenizer

    path = folder.path / "tokenizer.json"
    if not path.is_file():
        raise refused(wish, f"{path}: there is none; export the model with its fast tokenizer")
    read = Guard().call("tokenizers.from_file", Tokenizer.from_file, str(path))  # it raises plain Exceptions
    if read.error is not None:
        raise refused(wish, f"{path}: no tokenizer: {words_of_error(read.error)}") from read.error
    tokenizer = read.value
    if (has := tokenizer.get_vocab_size()) > folder.vocabulary:
        message = f"{path}: {has:,} tokens, where the model knows {folder.vocabulary:,}: it is another model's"
        raise refused(wish, message)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def onnx_weights(wish: Wish, folder: Folder) -> tuple[Path, str]:
    """The file of weights, and its checksum. Raises ModelError."""
    for name in ONNX:
        if (file := folder.path / name).is_file():
            return file, checked(wish, [file, *sorted(file.parent.glob(f"{file.name}[_.]data*"))])
    raise refused(wish, f"{folder.path}: no weights; expected one of {', '.join(ONNX)}")


def checked(wish: Wish, files: Sequence[Path]) -> str:
    """SHA-256 over the contents of weights. Raises ModelError where another was asked for, or they can't be read."""
    digest = hashlib.sha256()
    try:
        for path in files:
            with path.open("rb") as file:
                while piece := file.read(1024 * 1024):
                    digest.update(piece)
                    if file.tell() == len(piece) and piece.startswith(_POINTER):
                        raise refused(wish, f"{path}: a pointer of Git LFS, no weights; `git lfs pull` brings them")
    except OSError as error:
        raise refused(wish, f"{error.filename}: {error.strerror}") from error
    found = digest.hexdigest()
    if wish.checksum not in (None, found):
        raise refused(wish, f"{files[0]}: its SHA-256 is {found}, ner.checksum names {wish.checksum}: other weights")
    return found


def _document(wish: Wish, path: Path) -> Mapping[str, Json]:
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LONGEST_CONFIG))
    except OSError as error:
        raise refused(wish, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise refused(wish, f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise refused(wish, f"{path}: expected an object")
    return document


def _labels(by_number: Json) -> tuple[str, ...]:
    if not isinstance(by_number, dict):
        return ()
    found = [by_number.get(str(number)) for number in range(len(by_number))]
    return tuple(str(label) for label in found) if None not in found else ()
