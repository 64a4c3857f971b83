"""The backend `transformers`: any sequence or token classifier, by torch on one thread.

Sources: https://huggingface.co/docs/transformers/model_doc/auto, https://huggingface.co/docs/safetensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from midwatch_core import Json
from midwatch_ml.loading.answering import Answering, Logits
from midwatch_ml.loading.checksum import checked
from midwatch_ml.loading.folder import Folder
from midwatch_ml.loading.found import Found
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.tokenizer import check_fits, tokenizer_of
from midwatch_ml.loading.wish import Wish

_FETCHED = ("*.safetensors",)
_TOKENS = "ForTokenClassification"


def load(options: Mapping[str, Json]) -> Answering:
    """A model by its settings. Raises ModelError that names the file or setting, and what would be right."""
    wish = Wish.of(options)
    try:
        import torch
        import transformers
    except ImportError as error:
        message = f"backend transformers: no {error.name}: pip install 'midwatch[transformers]'"
        raise refused(wish.id, message) from error
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    found = Found.at(wish, fetched=_FETCHED)
    weights = checked(wish, found.folder.safetensors(wish))
    card = found.card(backend="transformers", runtime=transformers.__version__, checksum=weights)
    tokenizer = _tokenizer(wish, found.folder, transformers)
    logits = _logits(wish, _model(wish, found.folder, transformers), torch)
    return Answering(found, tokenizer=tokenizer, logits=logits, card=card)


def _tokenizer(wish: Wish, folder: Folder, transformers: Any) -> Any:
    """That of `tokenizer.json`; where there is none, what the library makes of the files there are."""
    if folder.tokenizer.is_file():
        return tokenizer_of(wish, folder)
    try:
        made = transformers.AutoTokenizer.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise refused(wish.id, f"{folder.path}: no tokenizer: {_said(error)}") from error
    fast = getattr(made, "backend_tokenizer", None)
    if fast is None:
        raise refused(wish.id, f"{folder.tokenizer}: there is none: export the model with its fast tokenizer")
    check_fits(wish, folder, fast)
    return fast


def _model(wish: Wish, folder: Folder, transformers: Any) -> Any:
    """The classifier; one whose head is not among the weights would answer by chance, and is refused."""
    shape = str(next(iter(_listed(folder.config.get("architectures"))), ""))
    kind = (
        transformers.AutoModelForTokenClassification
        if shape.endswith(_TOKENS)
        else transformers.AutoModelForSequenceClassification
    )
    try:
        model, loaded = kind.from_pretrained(
            folder.path,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, _damaged()) as error:
        raise refused(wish.id, f"{folder.path}: no model that transformers can load: {_said(error)}") from error
    if missing := sorted(loaded["missing_keys"]):
        raise refused(wish.id, f"{folder.path}: the weights have no {missing[0]}: this is no trained classifier")
    return model.eval()


def _logits(wish: Wish, model: Any, torch: Any) -> Logits:
    def run(ids: Sequence[int]) -> Sequence[float]:
        row = torch.tensor([list(ids)])
        try:
            with torch.inference_mode():
                output = model(input_ids=row, attention_mask=torch.ones_like(row)).logits[0]
        except (RuntimeError, IndexError, ValueError) as error:
            raise refused(wish.id, f"a window of {len(ids)} tokens: {_said(error)}") from error
        means = output.mean(dim=0) if output.ndim == 2 else output
        return [float(value) for value in means.reshape(-1)]

    return run


def _damaged() -> type[Exception]:
    from safetensors import SafetensorError

    error: type[Exception] = SafetensorError
    return error


def _listed(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
