"""Editing a policy's YAML: an exception is put into a line, and all else stays as it was written, notes too."""

from collections.abc import Mapping
from datetime import date

import yaml
from pydantic import ValidationError

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.policy import Policy, subject_of
from midwatch_core.policy_file import Exempt, PolicyError, PolicyFile, read_policy

# No line is broken that need not be.
_WIDE = 1_000_000


def line_ruling(policy: Policy, finding: Finding, exchange: Exchange) -> str | None:
    """The line of `policy` that the finding takes; None where none matches it."""
    return policy.decide((finding,), subject_of(exchange), exchange.started_at).rulings[0].line


def with_exception(text: str, line_id: str, exception: Mapping[str, object]) -> str | None:
    """A policy's text with an exception (`reason`, `expires`, `when`) added to one line of it.

    None where the line is not there, or is written in a way that can't be added to safely.
    """
    try:
        policy = read_policy(text.encode(), "policy")  # no bomb, before its nodes are looked at
        edited = _edited(text, line_id, exception_yaml(exception))
        if edited is None or read_policy(edited.encode(), "policy") != _meant(policy, line_id, exception):
            return None
    except (PolicyError, ValidationError, yaml.YAMLError, UnicodeEncodeError):
        return None
    return edited


def exception_yaml(exception: Mapping[str, object]) -> str:
    """An exception in one line of YAML. Whatever stands in it, every character that is not plain is escaped."""
    written = {**exception, "expires": date.fromisoformat(str(exception["expires"]))}
    return yaml.safe_dump(written, default_flow_style=True, sort_keys=False, width=_WIDE).strip()


def _edited(text: str, line_id: str, item: str) -> str | None:
    line = _line(yaml.compose(text, Loader=yaml.SafeLoader), line_id)
    if line is None:
        return None
    known = _value(line, "exceptions")
    if known is None:
        if line.flow_style:
            return _put(text, line.end_mark.index - 1, f", exceptions: [{item}]")
        indent = " " * line.start_mark.column
        return _put_below(text, line.value[-1][1], f"{indent}exceptions:\n{indent}  - {item}")
    if not isinstance(known, yaml.SequenceNode):
        return None
    if known.flow_style:
        return _put(text, known.end_mark.index - 1, f", {item}" if known.value else item)
    return _put_below(text, known.value[-1], f"{' ' * known.start_mark.column}- {item}")


def _meant(policy: PolicyFile, line_id: str, exception: Mapping[str, object]) -> PolicyFile:
    added = (Exempt.model_validate(exception),)
    lines = (
        line.model_copy(update={"exceptions": line.exceptions + added}) if line.id == line_id else line
        for line in policy.lines
    )
    return policy.model_copy(update={"lines": tuple(lines)})


def _line(root: yaml.Node | None, line_id: str) -> yaml.MappingNode | None:
    lines = _value(root, "lines")
    for line in lines.value if isinstance(lines, yaml.SequenceNode) else ():
        named = _value(line, "id")
        if isinstance(named, yaml.ScalarNode) and named.value == line_id:
            return line if isinstance(line, yaml.MappingNode) else None
    return None


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if isinstance(name, yaml.ScalarNode) and name.value == key), None)


def _put(text: str, at: int, piece: str) -> str:
    return text[:at] + piece + text[at:]


def _put_below(text: str, node: yaml.Node, piece: str) -> str:
    """A piece on lines of its own, below the line that the node ends on."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    if node.end_mark.column == 0:  # a text of rows (`|`) ends where the next line begins
        return _put(text, node.end_mark.index, f"{piece}\n")
    end = text.find("\n", node.end_mark.index)
    if end < 0:
        return f"{text}\n{piece}\n"
    return _put(text, end + 1, f"{piece}\n")
