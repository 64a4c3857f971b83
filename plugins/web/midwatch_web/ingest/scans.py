"""Texts to scan as programs send them, and what is answered."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midwatch_core import Part, Scanned
from midwatch_web.ingest.body import document_of
from midwatch_web.ingest.problems import UnfitError


class Scannable(BaseModel):
    """A text, and what it would be in a conversation."""

    model_config = ConfigDict(extra="forbid")

    text: str
    where: Part = Field(Part.USER, description="Detectors look for other things in a tool's result than in an answer.")


class Scannables(BaseModel):
    """Texts, which are answered in their order."""

    model_config = ConfigDict(extra="forbid")

    texts: list[Scannable]


def read_texts(body: bytes) -> list[tuple[str, Part]]:
    """The texts of a body: those under `texts`, or the one that it is. Raises UnfitError."""
    document = document_of(body)
    try:
        if isinstance(document, dict) and "texts" in document:
            texts = Scannables.model_validate(document).texts
        else:
            texts = [Scannable.model_validate(document)]
    except ValidationError as error:
        raise UnfitError.of(error) from error
    return [(item.text, item.where) for item in texts]


def answer_of(scanned: Scanned) -> dict[str, Any]:
    """What was seen in one text, with the keys of `scan --jsonl`."""
    findings = zip(scanned.findings, scanned.actions, strict=True)
    return {
        "findings": [{**asdict(finding), "action": action.name.lower()} for finding, action in findings],
        "action": scanned.action.name.lower(),
        "score": scanned.score,
        **({"failures": scanned.failures} if scanned.failures else {}),
    }
