"""From a pack's bytes to its spec: safe YAML, bounded in size and depth, and errors of one line."""

from typing import Any

import yaml
from pydantic import ValidationError

from midwatch_core.rulepack.errors import RulePackError
from midwatch_core.rulepack.schema import PackSpec

ENGINE_VERSION = 1
MAX_BYTES = 2_000_000
_MAX_DEPTH = 20
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _UniqueKeys(_Loader):  # type: ignore[misc]  # which of the two safe loaders it is, is known at run time
    """Safe, and a key written twice is an error: YAML would keep the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is there twice", key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep=deep))


def read_spec(data: bytes, name: str) -> PackSpec:
    """The spec in a pack's bytes. Raises RulePackError; `name` is what messages call the file."""
    document = _document(data, name)
    try:
        spec = PackSpec.model_validate(document)
    except ValidationError as error:
        raise RulePackError(_first_line(error, document, name)) from error
    if int(spec.pack.engine.removeprefix(">=")) > ENGINE_VERSION:
        raise RulePackError(f"{name}: pack.engine: needs {spec.pack.engine}, this engine is {ENGINE_VERSION}")
    seen = set()
    for rule in spec.rules:
        if rule.id in seen:
            raise RulePackError(f"{name}: rule {rule.id}: id: there are two rules of this id")
        seen.add(rule.id)
    return spec


def _document(data: bytes, name: str) -> Any:
    if len(data) > MAX_BYTES:
        raise RulePackError(f"{name}: {len(data)} bytes: a pack has at most {MAX_BYTES}")
    try:
        _check_events(data, name)
        # Both loaders are safe ones.
        return yaml.load(data, Loader=_UniqueKeys)  # noqa: S506
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise RulePackError(f"{name}: not YAML: {' '.join(str(error).split())[:300]}") from error


def _check_events(data: bytes, name: str) -> None:
    """Refuse aliases (they multiply) and deep nesting (loaders recurse) before anything is built."""
    depth = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise RulePackError(f"{name}: {_line(event)}: aliases are not allowed in packs")
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if depth > _MAX_DEPTH:
            raise RulePackError(f"{name}: {_line(event)}: nested deeper than {_MAX_DEPTH}")


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"


def _first_line(error: ValidationError, document: Any, name: str) -> str:
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    place, rule = list(first["loc"]), ""
    if len(place) >= 2 and place[0] == "rules" and isinstance(place[1], int):
        rule = f"rule {_rule_name(document, place[1])}: "
        place = place[2:]
    key = ".".join(str(step) for step in place)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    said = f"{rule}{key + ': ' if key else ''}{first['msg']}{more}"
    return f"{name}: {' '.join(said.split())[:400]}"


def _rule_name(document: Any, index: int) -> str:
    rule = document["rules"][index]
    named = rule.get("id") if isinstance(rule, dict) else None
    return named[:100] if isinstance(named, str) and named.isprintable() else f"number {index + 1}"
