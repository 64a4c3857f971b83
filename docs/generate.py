"""Writes the reference pages from the code: `uv run python docs/generate.py`. A test checks that they are current."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from generate_commands import commands
from generate_decisions import decisions
from generate_hooks import hooks
from generate_rules import rules
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from midwatch.control.numbers import METRICS
from midwatch_core.config import ENV_PREFIX, Config, Section
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.inference.numbers import METRICS as MODEL_METRICS
from midwatch_core.metrics import MAX_SETS, Metrics, MetricSpec
from midwatch_web.app import create_app
from midwatch_web.system.reference import rooms_of

HERE = Path(__file__).parent
# Plugins that do not come along: they may be installed here or not, and have pages of their own.
_APART = frozenset({"ensemble", "grpc", "ml"})
_EXAMPLE = """\
```yaml
workers: 4                                    # a file need only say what differs
policy: balanced
storage: {cache: "valkey://valkey.internal:6379"}
retention_days: 90
identity: {required: true}
tenants:
  acme: {title: Acme, networks: [10.1.0.0/16]}
limits: [{id: requests, requests_per_s: 20, per: [tenant]}]
budgets: [{id: monthly, usd: 500}]
journal: {max_bytes: 4294967296}
```
"""


def configuration() -> str:
    """The page of all settings: core's and those of the plugins that come along."""
    plugins = Plugins()
    plugins.discover()
    lines = [
        "# Settings",
        "",
        "Read from `config.yaml` in the home (or `--config FILE`), then from variables, then from flags. A variable's",
        f"name is `{ENV_PREFIX}` and the setting's in capitals, `__` for each dot: `journal.max_bytes` is",
        f"`{ENV_PREFIX}JOURNAL__MAX_BYTES`. Secrets are `${{VARIABLE}}` or `${{file:PATH}}` (see [stores](stores.md)).",
        "`limits[].id` is a key of each item of a list, `tenants.NAME.title` one under each name. A setting that is",
        "not known is an error at start. This page is made from the code.",
        "",
        *_EXAMPLE.splitlines(),
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
        *_rows(Config, ""),
    ]
    for section, model in sorted(plugins.sections().items()):
        if section not in _APART:
            lines += _rows(model, f"{section}.")
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str, without: Collection[str] = ()) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if name in without:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name}.")
            continue
        yield f"| `{prefix}{name}` | {_default(field)} | {(field.description or '').replace('|', '&#124;')} |"
        for place, inner, known in _inner(kind):
            yield from _rows(inner, f"{prefix}{name}{place}", known)


def _inner(kind: Any) -> Iterator[tuple[str, type[BaseModel], Collection[str]]]:
    """The models in a list (`limits[].id`) or under names (`tenants.NAME.title`), each with what was told of it before.

    What may be of several kinds is told first as what they share (`channels[].name`), then by kind (`[slack].proxy`).
    """
    places = {tuple: "[].", Mapping: ".NAME."}
    for argument in get_args(kind):
        if isinstance(argument, type) and issubclass(argument, Section) and get_origin(kind) in places:
            yield places[get_origin(kind)], argument, ()
        elif get_origin(argument) is Annotated and (models := get_args(get_args(argument)[0])):
            yield from _kinds(models)


def _kinds(models: Sequence[type[BaseModel]]) -> Iterator[tuple[str, type[BaseModel], Collection[str]]]:
    """Models that are told apart by their `kind`, after the base that they share."""
    bases = (base for base in models[0].__mro__ if issubclass(base, BaseModel))
    shared = next(base for base in bases if all(issubclass(model, base) for model in models))
    yield "[].", shared, ()
    for model in models:
        yield f"[{model.model_fields['kind'].default}].", model, {*shared.model_fields, "kind"}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    return "none" if value is None or value in ((), {}, "") else f"`{_shown(value)}`"


def _shown(value: Any) -> str:
    """A value as it is written in YAML, nearly; of a model what was given."""
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_unset=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {item}" for key, item in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def metrics() -> str:
    """The page of all metrics: ours, those of the plugins that come along, and those of models (extras ml, ner)."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` of the console tells, summed over all processes. [Monitoring](monitoring.md) says how to",
        "scrape it, and who may. Units stand in names (`_seconds`, `_bytes`, `_usd`); what has none is a count, or",
        f"what the last column says. A metric has at most {MAX_SETS} sets of labels: those beyond share a set `other`.",
        "A histogram has `_bucket`, `_sum` and `_count`. `midwatch_model_*` is there with the extras `ml` and `ner`",
        "alone, and [gRPC](grpc.md) has a counter of its own. This page is made from the code.",
        "",
        "| metric | kind | labels | what it tells |",
        "|---|---|---|---|",
    ]
    for spec in sorted({*declared(), *MODEL_METRICS}, key=lambda spec: spec.name):
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        lines.append(f"| `{spec.name}` | {spec.kind.value} | {labels} | {spec.help} |")
    return "\n".join(lines) + "\n"


def declared() -> Iterator[MetricSpec]:
    """Every metric there is without further plugins."""
    plugins = Plugins()
    plugins.discover()
    plugins.activate({name: section() for name, section in plugins.sections().items()})
    yield from METRICS
    for outcome in plugins.call_all("metrics"):
        if outcome.name.partition(".")[0] not in _APART:
            yield from outcome.value


def rest() -> str:
    """The page of the REST API, from its OpenAPI document: what there is, by room."""
    host = Host(role=Role.FACE, home=HERE, metrics=Metrics())
    lines = [
        "# REST",
        "",
        "Where the console listens, `/rest` is this page with parameters, examples and refusals, and",
        "`/api/v1/openapi.json` is all of it for machines. Where the console asks for a key, show one as",
        "`Authorization: Bearer mw_…` or `X-Midwatch-Key`; what is answered is of the key's tenants alone. Bodies are",
        "`application/json`. What went wrong is told as problem+json (RFC 9457): `status`, and in `detail` why. A list",
        "is a page with the `cursor` of the next. The paths of the predecessor are in",
        "[migrating-paths](migrating-paths.md). This page is made from the code.",
    ]
    for room, operations in rooms_of(create_app(host).openapi()):
        lines += ["", f"## {room.capitalize()}", "", "| | what it does |", "|---|---|"]
        lines += [f"| `{item.method} {item.path}` | {item.summary.replace('|', '&#124;')} |" for item in operations]
    return "\n".join(lines) + "\n"


PAGES = {
    "commands": commands,
    "configuration": configuration,
    "decisions": decisions,
    "hooks": hooks,
    "metrics": metrics,
    "rest": rest,
    "rules": rules,
}
"""Each page by its name, and what makes it."""


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (HERE / f"{name}.md").write_text(page())


if __name__ == "__main__":
    main()
