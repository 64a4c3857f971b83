"""Templates: a channel's own wording. They run in Jinja2's sandbox, over texts that are clean already."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_alerts.wording.words import Item, Words
from midwatch_core import Severity

# What an expression of a template can raise, besides Jinja2's own errors.
_FAULTS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class TemplateFault(ValueError):  # noqa: N818  # it says whose fault it is
    """A template is not one, or fails on a message. The message says why, in one line."""


def check_template(source: str) -> None:
    """Raises TemplateFault where it can't be used: it is tried on a message of every kind."""
    for kind in MessageKind:
        render(source, *_sample(kind))


def render(source: str, message: Message, words: Words) -> str:
    """The text it makes of a message. Raises TemplateFault."""
    try:
        return _compiled(source).render(_context(message, words))
    except _FAULTS as error:
        raise TemplateFault(f"{type(error).__name__}: {error}"[:300]) from None


@lru_cache(maxsize=64)
def _compiled(source: str) -> Compiled:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def _context(message: Message, words: Words) -> Mapping[str, Any]:
    """What a template may name: texts and lists, none of our objects."""
    return {
        "kind": message.kind.value,
        "severity": message.severity.value,
        "subject": words.subject,
        "lead": words.lead,
        "rest": words.rest,
        "again": message.again,
        "more": message.more,
        "incidents": [_incident(*pair) for pair in zip(message.incidents, words.items, strict=False)],
    }


def _incident(told: Told, item: Item) -> Mapping[str, Any]:
    return {
        "title": item.title,
        "severity": told.severity.value,
        "count": told.count,
        "facts": dict(item.facts),
        "advice": item.advice,
        "page": item.page,
        "acknowledge": item.acknowledge,
    }


def _sample(kind: MessageKind) -> tuple[Message, Words]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = Told(
        incident_id="sample",
        fingerprint="sample",
        category="anomaly",
        severity=Severity.HIGH,
        title="a sample",
        tenant="acme",
        began_at=at,
        last_at=at,
        count=1,
    )
    message = Message(
        id="sample", kind=kind, key="sample", severity=Severity.HIGH, title="a sample", incidents=[told], made_at=at
    )
    item = Item(title="a sample", facts=[("Tenant", "acme")], advice="", page="", acknowledge="")
    return message, Words(subject="a sample", lead="", items=[item])
