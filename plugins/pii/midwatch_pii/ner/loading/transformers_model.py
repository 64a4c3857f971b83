"""The backend `transformers`: any token classifier of that library, by torch on one thread.

Source: https://huggingface.co/docs/transformers/model_doc/auto#transformers.AutoModelForTokenClassification.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from midwatch_core import Json, ModelCard
from midwatch_pii.ner.loading.folder import Folder, checked, opened, tokenizer_of
from midwatch_pii.ner.loading.reading import Reading, Shares
from midwatch_pii.ner.loading.wish import Wish, refused, words_of_error


def load(options: Mapping[str, Json]) -> Reading:
    """A model by its settings. Raises ModelError that names the file, and what would be right."""
    wish = Wish.of(options)
    try:
        import torch
        import transformers
    except ImportError as error:
        message = f"backend transformers: no {error.name}: pip install 'midwatch[transformers]'"
        raise refused(wish, message) from error
    torch.set_num_threads(1)
    folder = opened(wish)
    weights = sorted(folder.path.glob("*.safetensors"))
    if not weights:
        raise refused(wish, f"{folder.path}: no weights; expected model.safetensors (pickles are not loaded)")
    card = ModelCard(
        name=wish.name,
        backend="transformers",
        revision=wish.revision,
        checksum=checked(wish, weights),
        labels=folder.labels,
        facts={"folder": str(folder.path), "runtime": transformers.__version__},
    )
    return Reading(
        wish,
        tokenizer=tokenizer_of(wish, folder),
        shares=_shares(wish, folder, _model(wish, folder, transformers), torch),
        positions=folder.positions,
        card=card,
    )


def _model(wish: Wish, folder: Folder, transformers: Any) -> Any:
    """The classifier; one whose head is not among the weights would answer by chance, and is refused."""
    from safetensors import SafetensorError

    try:
        model, loaded = transformers.AutoModelForTokenClassification.from_pretrained(
            folder.path,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        raise refused(wish, f"{folder.path}: transformers can't load it: {words_of_error(error)}") from error
    if missing := sorted(loaded["missing_keys"]):
        raise refused(wish, f"{folder.path}: the weights have no {missing[0]}: this is no trained token classifier")
    return model.eval()


def _shares(wish: Wish, folder: Folder, model: Any, torch: Any) -> Shares:
    def shares(ids: Sequence[int]) -> Sequence[Sequence[float]]:
        row = torch.tensor([list(ids)])
        try:
            with torch.inference_mode():
                logits = model(input_ids=row, attention_mask=torch.ones_like(row)).logits[0]
        except (RuntimeError, IndexError, ValueError) as error:
            raise refused(wish, f"a stretch of {len(ids)} tokens: {words_of_error(error)}") from error
        if tuple(logits.shape) != (len(ids), len(folder.labels)):
            shape = tuple(logits.shape)
            raise refused(wish, f"{folder.path}: gave {shape} for {len(ids)} tokens, {len(folder.labels)} labels")
        found: list[list[float]] = torch.softmax(logits, dim=-1).tolist()
        return found

    return shares
