"""A policy's YAML: its schema, and one line that says what is wrong with it. Its counterpart is `policy`."""

from datetime import date
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from midwatch_core.errors import ConfigError
from midwatch_core.model.finding import Action, Severity
from midwatch_core.model.segment import Direction, Part

# A policy is written by hand; what is larger is a mistake, or meant to keep the reader busy.
_MAX_BYTES = 1024 * 1024
# Aliases (`*names`) may say a text again, and aliases of aliases may say it a million times: characters, all told.
_MAX_TOLD = 4 * _MAX_BYTES
# Every finding is held against every line, until one takes it.
_MAX_LINES = 1000
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"

type Names = tuple[str, ...]


class PolicyError(ConfigError):
    """A policy is wrong: the message is one line naming file, line id and key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """What a line holds for: all that is given must hold. Names are globs (`acme*`); one or a list of them."""

    tenant: Names = Field((), description="Tenants.")
    agent: Names = Field((), description="Agents, such as `claude-code`; a call without one matches `*` alone.")
    provider: Names = Field((), description="Providers, as in the catalogue.")
    model: Names = Field((), description="Models, as the client asked for them.")
    operation: Names = Field((), description="What is asked: `chat`, `embeddings`, `execute_tool` (MCP), …")
    direction: Direction | None = Field(None, description="`request` or `response`.")
    part: tuple[Part, ...] = Field((), description="What the text is: `user`, `tool_result`, `tool_call`, …")
    category: Names = Field((), description="Categories of findings: `prompt_injection`, `secret`, `pii`, …")
    rule: Names = Field((), description="Full ids of rules: `owasp-llm/prompt-injection/ignore-*`.")
    severity_at_least: Severity = Field(Severity.INFO, description="Findings of this severity and above.")
    confidence_at_least: float = Field(0.0, ge=0, le=1, description="Findings of this confidence and above.")

    @field_validator("tenant", "agent", "provider", "model", "operation", "part", "category", "rule", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        if value == [] or value is None:
            raise ValueError("expected a name or a list of names; leave the key out for all")
        return (value,) if isinstance(value, str) else value


class Exempt(_Strict):
    """Findings of a line that are allowed until a day, and why."""

    reason: str = Field(min_length=3, description="Why; it stands in the record.")
    expires: date = Field(description="The last day (UTC) on which it holds.")
    when: When = Field(default_factory=When, description="Which of the line's findings; all, if not given.")


class PolicyLine(_Strict):
    """One line: what it holds for, and what is done."""

    id: str = Field(pattern=_ID, description="Names the line in records, headers and refusals.")
    when: When = Field(default_factory=When, description="All findings, if not given.")
    then: Literal["allow", "flag", "redact", "cut", "block"] = Field(description="What is done.")
    dry_run: bool = Field(False, description="Only say what it would have done; the lines below go on.")
    on_failure: Literal["pass", "block"] = Field("pass", description="When a detector failed or was late.")
    models: Literal["beside", "inline"] = Field(
        "beside",
        description="`inline`: the call waits for models; `beside`: it goes on, until they say.",
    )
    deadline_ms: int = Field(300, ge=1, le=30_000, description="How long a call waits for models, where `inline`.")
    exceptions: tuple[Exempt, ...] = Field((), description="What this line lets through, and until when.")

    @property
    def action(self) -> Action:
        """`then` as the domain's word."""
        return Action[self.then.upper()]


class _Head(_Strict):
    id: str = Field(pattern=_ID)
    version: int = Field(1, ge=1, lt=2**31)


class PolicyFile(_Strict):
    """The whole file: `policy: {id, version}` and `lines`, first match first."""

    policy: _Head
    lines: tuple[PolicyLine, ...] = Field(max_length=_MAX_LINES)


class _Loader(yaml.SafeLoader):
    """YAML that refuses alias bombs, and a key given twice: the second would silently win over a line's condition."""

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None and _told(node, {}) > _MAX_TOLD:
            raise yaml.constructor.ConstructorError(None, None, "its aliases say too much", node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        seen: set[str] = set()
        for key in keys:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _told(node: yaml.Node, known: dict[int, int]) -> int:
    """How many characters a node stands for, with all that its aliases say again."""
    if id(node) not in known:
        known[id(node)] = _MAX_TOLD + 1  # what holds itself is endless
        if isinstance(node, yaml.MappingNode):
            known[id(node)] = 1 + sum(_told(item, known) for pair in node.value for item in pair)
        elif isinstance(node, yaml.SequenceNode):
            known[id(node)] = 1 + sum(_told(item, known) for item in node.value)
        else:
            known[id(node)] = 1 + len(node.value)
    return known[id(node)]


def read_policy(data: bytes, name: str) -> PolicyFile:
    """The policy in `data`. Raises PolicyError naming the file (`name`), line id and key."""
    if len(data) > _MAX_BYTES:
        raise PolicyError(f"{name}: {len(data)} bytes; a policy has at most {_MAX_BYTES}")
    try:
        document = yaml.load(data, Loader=_Loader)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
    try:
        policy = PolicyFile.model_validate(document)
    except ValidationError as error:
        raise PolicyError(_explained(error, document, name)) from error
    seen: set[str] = set()
    for line in policy.lines:
        if line.id in seen:
            raise PolicyError(f"{name}: line {line.id!r}: id: given twice")
        seen.add(line.id)
    return policy


def _explained(error: ValidationError, document: Any, name: str) -> str:
    problem = error.errors()[0]
    path = list(problem["loc"])
    line = ""
    if len(path) > 1 and path[0] == "lines" and isinstance(path[1], int):
        line = f"line {_line_id(document['lines'][path[1]], path[1])}: "
        path = path[2:]
    key = ".".join(str(part) for part in path) or "(top)"
    if problem["type"] == "extra_forbidden":
        return f"{name}: {line}{key}: no such key"
    message = problem["msg"].removeprefix("Value error, ")
    return " ".join(f"{name}: {line}{key}: {message} (found {_found(problem.get('input')):.80})".split())


def _found(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # a number of more digits than Python writes
        return "a number that is too long"


def _line_id(line: Any, position: int) -> str:
    named = line.get("id") if isinstance(line, dict) else None
    return repr(named) if isinstance(named, str) else f"number {position + 1}"
