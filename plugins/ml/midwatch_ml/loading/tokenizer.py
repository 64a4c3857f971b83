"""The tokenizer of a folder: the model's own, or refused; and how it reads letters in disguise."""

from typing import Any

from midwatch_core import Guard
from midwatch_ml.loading.folder import Folder
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.wish import Wish

# How far a model's table of tokens may go beyond its tokenizer's: tables are padded.
_PADDING = 0.02
_INVISIBLE = "[\N{ZERO WIDTH SPACE}-\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NO-BREAK SPACE}]"
# From the fourth on, of one sign in a row: a ruler of a hundred dashes is no text.
_RULER = r"([^\w\s])\1\1\K\1+"


def tokenizer_of(wish: Wish, folder: Folder) -> Any:
    """The tokenizer of a folder's `tokenizer.json`. Raises ModelError where it is none, or another model's."""
    from tokenizers import Tokenizer

    path = folder.tokenizer
    if not path.is_file():
        raise refused(wish.id, f"{path}: there is none: export the model with its fast tokenizer")
    read = Guard().call("tokenizers.from_file", Tokenizer.from_file, str(path))  # it raises plain Exceptions
    if read.error is not None:
        raise refused(wish.id, f"{path}: no tokenizer: {' '.join(str(read.error).split())[:200]}") from read.error
    check_fits(wish, folder, read.value)
    return read.value


def check_fits(wish: Wish, folder: Folder, tokenizer: Any) -> None:
    """Raises ModelError where the model's table of tokens is not its tokenizer's, or windows are too long for it."""
    has, knows = tokenizer.get_vocab_size(), folder.config.get("vocab_size")
    if not isinstance(knows, int):
        raise refused(wish.id, f"{folder.path / 'config.json'}: no vocab_size")
    if has > knows or has < knows * (1 - _PADDING):
        raise refused(
            wish.id,
            f"{folder.tokenizer}: {has:,} tokens, where the model knows {knows:,}: this is another model's tokenizer",
        )
    longest = folder.config.get("max_position_embeddings")
    if isinstance(longest, int) and wish.window > longest:
        raise refused(wish.id, f"window: {wish.window} tokens, where the model reads {longest}")


def folding(tokenizer: Any) -> None:
    """Have a tokenizer read full-width and styled letters as plain ones, and no invisible ones or rulers.

    It keeps count of the original's places itself. Source: https://unicode.org/reports/tr15/ (NFKC).
    """
    from tokenizers import Regex, normalizers

    own = tokenizer.normalizer
    fold = [
        normalizers.NFKC(),
        normalizers.Replace(Regex(_INVISIBLE), ""),
        normalizers.Replace(Regex(_RULER), ""),
    ]
    tokenizer.normalizer = normalizers.Sequence([*fold, own] if own is not None else fold)
