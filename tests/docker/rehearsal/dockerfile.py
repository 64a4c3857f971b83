"""A Dockerfile as Docker reads it: instructions in order, arguments and variables filled in, stages by name.

As much of the format as ours has (https://docs.docker.com/reference/dockerfile/); what is not known is refused, so that
nothing of a Dockerfile is passed over unsaid.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_KNOWN = frozenset(
    {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "STOPSIGNAL"}
) | {"USER", "VOLUME", "WORKDIR"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class DockerfileError(Exception):
    """The Dockerfile has what is not understood here; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An instruction: its name, its options (`--from=builder`), and the rest of its words as they stand."""

    name: str
    options: Mapping[str, str]
    text: str

    def words(self, variables: Mapping[str, str]) -> list[str]:
        """The rest as words, variables filled in."""
        return [filled(word, variables) for word in shlex.split(self.text)]

    def command(self) -> list[str]:
        """The rest as JSON, as CMD and ENTRYPOINT have it. Raises DockerfileError for the form of a shell."""
        try:
            return [str(word) for word in json.loads(self.text)]
        except ValueError as error:
            raise DockerfileError(f"{self.name} {self.text}: not a list of words") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSteps:
    """A stage: what it begins from, its name, its steps."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)


def stages(text: str) -> list[StageSteps]:
    """The stages of a Dockerfile in order. Raises DockerfileError."""
    found: list[StageSteps] = []
    before: dict[str, str] = {}
    for step in _steps(text):
        if step.name == "FROM":
            base, *named = step.words(before)
            found.append(StageSteps(base=base, name=named[1] if named else str(len(found))))
        elif found:
            found[-1].steps.append(step)
        elif step.name == "ARG":
            name, _, value = step.text.partition("=")
            before[name] = value
        else:
            raise DockerfileError(f"{step.name} before the first FROM")
    return found


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A text with its `$NAME` and `${NAME}` filled in; unset ones are empty."""
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)


def _steps(text: str) -> Iterator[Step]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        if name not in _KNOWN:
            raise DockerfileError(f"unknown instruction: {name}")
        options: dict[str, str] = {}
        # HEALTHCHECK's options stand before CMD, all others' before their words.
        while match := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            options[match[1]] = match[2]
            rest = rest[match.end() :]
        yield Step(name=name, options=options, text=rest.strip())
