"""What is wrong with a configuration, in one line: where it was said, which key, what would be right."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

from pydantic import BaseModel, ValidationError

from midwatch_core.secret_text import is_secret_place, masked
from midwatch_core.shown_settings import is_secret_name, shown_settings

ENV_PREFIX = "MIDWATCH_"
# Characters of a list of settings: an error stays one line.
_MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Sources:
    """What said what: the file, the settings in variables, the flags, and the names of all variables."""

    file: Path | None
    env: Mapping[str, Any]
    flags: Mapping[str, Any]
    variables: Collection[str]

    def of(self, path: Sequence[str]) -> str:
        """What said the setting at `path`: a flag, a variable, or the file."""
        if path and path[0] in self.flags:
            return f"--{path[0].replace('_', '-')}"
        place: Any = self.env
        for depth, part in enumerate(path):
            if not isinstance(place, Mapping) or part not in place:
                break
            place = place[part]
            if not isinstance(place, Mapping) or depth == len(path) - 1:
                return self._variable(path[: depth + 1])
        return str(self.file) if self.file else "configuration"

    def _variable(self, path: Sequence[str]) -> str:
        """The variable that says it: `MIDWATCH_STORAGE=lite` says `storage.profile`."""
        names = [ENV_PREFIX + "__".join(path[:depth]).upper() for depth in range(len(path), 0, -1)]
        return next((name for name in names if name in self.variables), names[0])


def explain(error: ValidationError, model: type[BaseModel], sources: Sources) -> str:
    """One line about the first setting that is wrong: where it was said, what would be right, and no secret."""
    found = error.errors()
    # Of a setting that may be one of several things, the error that got furthest into it tells most.
    problem = max((item for item in found if item["loc"][:1] == found[0]["loc"][:1]), key=lambda item: len(item["loc"]))
    path = [str(part) for part in problem["loc"] if not _is_choice(part)]
    key = ".".join(path) or "(top)"
    if problem["type"] == "extra_forbidden":
        return f"{sources.of(path)}: {key}: no such setting{_suggestion(path, model)}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{sources.of(path)}: {key}: {message} (found {_found(path, problem.get('input'))})"


def _found(path: Sequence[str], value: object) -> str:
    """What was found at a place, to be shown: never a secret."""
    if is_secret_place(tuple(path)) or any(map(is_secret_name, path[-1:])):
        return type(value).__name__
    shown = shown_settings(value) if isinstance(value, Mapping) else value
    return f"{masked(repr(shown)):.80}"


def _is_choice(part: object) -> bool:
    """Whether pydantic put this into an error's place to say which of several types it tried."""
    return isinstance(part, str) and part.startswith(("literal[", "tuple[", "function-"))


def _suggestion(path: Sequence[str], model: type[BaseModel]) -> str:
    for part in path[:-1]:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return ""
        model = field.annotation
    close = difflib.get_close_matches(path[-1], model.model_fields, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {shorten(', '.join(model.model_fields), _MOST_NAMES, placeholder=' …')}"
