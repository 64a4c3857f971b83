"""Measures the model for names (extra `ner`) on labelled and on ordinary texts; the tables go into pii-names.md.

    uv run --extra ner python docs/quality_ner.py        (MIDWATCH_DATA names the folder of the sets)

Spans are counted as `quality_pii.py` counts them: one is met where one of its kind overlaps it. `exact` are those met
by a span that begins and ends where they do. Half of a set was looked at while rules for writing and joining were made.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from quality import replaced
from quality_pii import Span, Tally, count
from quality_sets import Half, data_folder, half_of, lines, share

from midwatch_core import Part, Text
from midwatch_pii import Pii
from midwatch_pii.ner.asking import read
from midwatch_pii.ner.entities import Entity, Kind
from midwatch_pii.ner.installed import folder_of
from midwatch_pii.ner.loading import onnx_model
from midwatch_pii.ner.loading.wish import Wish
from midwatch_pii.ner.merging import beside
from midwatch_pii.ner.settings import NerSettings

PAGE = Path(__file__).with_name("pii-names.md")
ALONE, TOGETHER = "the model", "model and patterns"

type Tallies = dict[tuple[str, Half], Tally]


class Model:
    """The shipped model with the shipped settings, in this process: nothing else is to do here."""

    def __init__(self) -> None:
        settings = NerSettings()
        folder, revision = folder_of(settings.model)
        wish = Wish(
            name=settings.name,
            folder=folder,
            least=settings.kinds,
            max_stretches=settings.max_stretches,
            revision=revision,
            checksum=settings.known_checksum,
        )
        self._model = onnx_model.load(wish.options())

    def entities(self, text: str) -> list[Entity]:
        """What it finds in a text."""
        return read(self._model.run([text])[0])[0]


def measured(file: Path, model: Model) -> Tallies:
    """Tallies of a labelled set, by who found and half."""
    patterns = Pii(Pii.Config(ner=NerSettings(enabled=False)))
    tallies: Tallies = {(who, half): Counter() for who in (ALONE, TOGETHER) for half in Half}
    for line in lines(file):
        text, entities = line["text"], model.entities(line["text"])
        hits = patterns.inspect_text(Text(text), Part.USER)
        known = [(start, end, kind) for start, end, kind in line["spans"] if kind in set(Kind)]
        alone = [(one.start, one.end, one.kind.value) for one in entities]
        together = [(one.start, one.end, one.kind) for one in hits if one.kind in set(Kind)]
        together += [(one.start, one.end, one.kind.value) for one in beside(entities, hits)]
        for who, found in ((ALONE, alone), (TOGETHER, together)):
            tally = tallies[who, half_of(text)]
            count(tally, found, known)
            _count_exact(tally, found, known)
    return tallies


def _count_exact(tally: Tally, found: list[Span], known: list[Span]) -> None:
    for span in known:
        tally[span[2], "exact"] += span in found


def named(file: Path, model: Model) -> tuple[int, int]:
    """How many texts of a set have the name of a person, as the model has it, and how many there are."""
    texts = [line["text"] for line in lines(file)]
    return sum(any(one.kind is Kind.PERSON for one in model.entities(text)) for text in texts), len(texts)


def table(tallies: Tallies) -> Iterator[str]:
    """The lines of the table of a labelled set."""
    yield "| kind | found by | half | n | precision | recall | exact |"
    yield "|---|---|---|---|---|---|---|"
    for kind in Kind:
        for (who, half), tally in tallies.items():
            right, wrong, known = tally[kind, "right"], tally[kind, "wrong"], tally[kind, "known"]
            shares = (share(right, right + wrong), share(tally[kind, "met"], known), share(tally[kind, "exact"], known))
            yield f"| {kind} | {who} | {half} | {known} | {' | '.join(shares)} |"


def ordinary_table(files: list[Path], model: Model) -> Iterator[str]:
    """The lines of the table of ordinary texts."""
    yield "| set | texts | with a name | share |"
    yield "|---|---|---|---|"
    for file in files:
        some, all_ = named(file, model)
        yield f"| {file.stem} | {all_} | {some} | {share(some, all_)} |"


def main() -> None:
    """Measure, print the tables and put them into the page."""
    files, model = sorted(data_folder().glob("pii/*.jsonl")), Model()
    if not files:
        print("No labelled sets found: skipped. MIDWATCH_DATA names their folder.")
        return
    page = PAGE.read_text(encoding="utf-8")
    for name, rows in (
        ("spans", [row for file in files for row in table(measured(file, model))]),
        ("ordinary", list(ordinary_table(sorted(data_folder().glob("benign/*.jsonl")), model))),
    ):
        page = replaced(page, name, rows)
        print("\n".join(rows), end="\n\n")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
