"""Making what is shipped: the lexicon, the fits, their thresholds, and what they do on texts they have not seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from benchmarks.quality.labelled import Labelled
from benchmarks.quality.validating import VOTERS, Corpus, Lexicons, Readings, blank, fit_for, scores_for
from midwatch_ensemble.calibrating.making import with_thresholds
from midwatch_ensemble.calibration import Calibration, FitMade, SetUsed, written
from midwatch_ensemble.fusion import OperatingPoint
from midwatch_ensemble.lexicon import document_of
from midwatch_ensemble.weighing import NOT_OVERRULED

DATA = Path(str(files("midwatch_ensemble"))) / "data"
VALIDATED = Path(__file__).with_name("validated.json")


def make(corpus: Corpus, paths: Sequence[Path], version: str) -> None:
    """Write `lexicon.json` and `calibration.json` of the plugin, and `validated.json` beside this file."""
    lexicons = Lexicons(corpus)
    readings = Readings(origin=lexicons.unseen(corpus.origins()), text=lexicons.unseen(corpus.folds()))
    weights, bias = lexicons.whole()
    finish(corpus, paths, version, readings, (weights, bias))


def finish(
    corpus: Corpus,
    paths: Sequence[Path],
    version: str,
    readings: Readings,
    lexicon: tuple[dict[str, float], float],
) -> None:
    """The same from readings on."""
    fits, tables = [], {}
    for voters in VOTERS:
        scores = scores_for(corpus, readings, voters)
        made = _with_thresholds(corpus, fit_for(corpus, readings, voters), scores["unseen text"])
        fits.append(made)
        tables["+".join(voters)] = {way: _shares(corpus, made, one) for way, one in scores.items()}
    document = document_of(*lexicon, version=version, about="runs of one to three words; see docs/ensemble.md")
    (DATA / "lexicon.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    calibration = Calibration(
        version=version,
        made_at=datetime.now(UTC).replace(microsecond=0),
        about="made by benchmarks/quality; thresholds on unseen texts of the sets benign_*",
        lexicon=version,
        sets=tuple(_used(path, corpus.rows) for path in paths),
        fits=tuple(fits),
    )
    (DATA / "calibration.json").write_bytes(written(calibration))
    VALIDATED.write_text(json.dumps(tables, indent=1) + "\n", "utf-8")


def _with_thresholds(corpus: Corpus, made: FitMade, scores: Sequence[float]) -> FitMade:
    """Thresholds by the sets of harmless texts alone, whose labels nobody doubts, and attacks of all sets."""
    counted = [at for at, row in enumerate(corpus.rows) if row.label or row.name.startswith("benign_")]
    texts = [(corpus.rows[at].name, corpus.rows[at].label) for at in counted]
    return with_thresholds(made, texts, [scores[at] for at in counted], blank(made.voters))


def _shares(corpus: Corpus, made: FitMade, scores: Sequence[float]) -> Mapping[str, Mapping[str, list[float | None]]]:
    """By set and point: recall, and false positives; what rules are sure of counts, as in the house."""
    shares: dict[str, dict[str, list[float | None]]] = {}
    for name in sorted({row.name for row in corpus.rows}):
        places = [at for at, row in enumerate(corpus.rows) if row.name == name]
        shares[name] = {}
        for point, threshold in made.thresholds.items():
            heeds = point is not OperatingPoint.HIGH_PRECISION
            held = {at: scores[at] >= threshold or (heeds and corpus.seen[at].rules >= NOT_OVERRULED) for at in places}
            shares[name][point.value] = [
                _share([held[at] for at in places if corpus.rows[at].label == label]) for label in (1, 0)
            ]
    return shares


def _share(of: Sequence[bool]) -> float | None:
    return round(sum(of) / len(of), 4) if of else None


def _used(path: Path, rows: Sequence[Labelled]) -> SetUsed:
    here = [row.label for row in rows if row.name == path.stem]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return SetUsed(name=path.stem, sha256=digest, attacks=sum(here), harmless=len(here) - sum(here))
