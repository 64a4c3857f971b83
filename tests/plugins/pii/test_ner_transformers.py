"""Any token classifier of transformers: a tiny one is built here, which holds every word for a piece of a name."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import ModelError
from midwatch_pii.ner.entities import Kind
from midwatch_pii.ner.loading import transformers_model
from midwatch_pii.ner.loading.wish import Wish

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "transformers", "tokenizers"))),
    reason="the extra transformers: uv run --extra transformers pytest tests/plugins/pii",
)
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "ask", "jane", "roe", ".")
LABELS = {0: "O", 1: "B-PER", 2: "I-PER"}


def config() -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        id2label=LABELS,
        label2id={label: number for number, label in LABELS.items()},
    )


def tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordLevel

    made = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertForTokenClassification

    place = tmp_path_factory.mktemp("tiny")
    model = BertForTokenClassification(config())
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 4.0, 1.0]))
    model.save_pretrained(place)
    tokenizer(place)
    return place


def loaded(folder: Path) -> Any:
    return transformers_model.load(
        Wish(name="tiny", folder=folder, least={Kind.PERSON: 0.5}, max_stretches=8).options()
    )


def test_its_labels_and_words_come_to_entities(folder: Path) -> None:
    model = loaded(folder)
    assert model.card.labels == ("O", "B-PER", "I-PER")
    assert model.card.backend == "transformers"
    (answer,) = model.run(["(Ask) Jane Roe."])
    assert [one[:3] for one in answer["entities"]] == [["PERSON", 1, 4], ["PERSON", 6, 14]]
    # Both labels of a name speak for it: e⁴ + e of e⁴ + e + 1.
    assert answer["entities"][0][3] == pytest.approx(0.983, abs=0.001)


def test_what_is_longer_than_the_model_reads_is_judged_in_pieces(folder: Path) -> None:
    (answer,) = loaded(folder).run(["(Jane) " * 40])
    assert len(answer["entities"]) == 40


def test_weights_without_a_head_are_no_classifier(tmp_path: Path) -> None:
    from transformers import BertModel

    BertModel(config()).save_pretrained(tmp_path)
    tokenizer(tmp_path)
    with pytest.raises(ModelError, match="no trained token classifier"):
        loaded(tmp_path)


def test_spoilt_weights_are_named(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(ModelError, match="transformers can't load it"):
        loaded(tmp_path)


def test_weights_in_pickles_are_not_loaded(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="pickles are not loaded"):
        loaded(tmp_path)
