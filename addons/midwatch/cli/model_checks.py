"""What `doctor` says of models: each one that the house which runs has, as its plugin tells of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.cli.printing import visible

_FINE = frozenset({"ready"})
_WRONG = frozenset({"failed"})
_CHECKSUM_CHARACTERS = 12


def model_checks(status: Mapping[str, Any]) -> Iterator[tuple[str, bool | None, str]]:
    """Name, whether it is well (None: as it may be, but worth knowing) and what there is to say, of every model."""
    for row in status.get("plugins") or ():
        health = row.get("health") or {}
        if problem := health.get("problem"):
            yield f"health of {row['name']}", None, visible(str(problem))
        models = health.get("models")
        for name, told in models.items() if isinstance(models, dict) else ():
            if isinstance(told, dict):
                yield f"model {visible(name)}", _well(told), _says(told)


def _well(told: Mapping[str, Any]) -> bool | None:
    state = told.get("state")
    return True if state in _FINE else False if state in _WRONG else None


def _says(told: Mapping[str, Any]) -> str:
    """How it stands, what is loaded, and what is wrong."""
    card = told.get("card") or {}
    checksum = str(card.get("checksum") or "")[:_CHECKSUM_CHARACTERS]
    words = [
        str(told.get("state") or "unknown"),
        "shadow" if told.get("shadow") else "",
        str(card.get("backend") or ""),
        str(card.get("revision") or ""),
        f"sha256 {checksum}…" if checksum else "",
        str(told.get("problem") or ""),
    ]
    return visible(", ".join(word for word in words if word))
