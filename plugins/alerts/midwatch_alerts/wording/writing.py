"""Writing: a message becomes words. What alerts say may be hostile, of any size, and carry a secret by mistake."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_alerts.wording.advice import advice
from midwatch_alerts.wording.masking import mask
from midwatch_alerts.wording.plain import lines, link, one_line
from midwatch_alerts.wording.templates import TemplateFault, render
from midwatch_alerts.wording.words import Item, Words

logger = logging.getLogger(__name__)

MOST_ITEMS = 10
MOST_FACTS = 20
# Where several incidents are told at once, so many details of each are enough.
FEW_FACTS = 5
MOST_TITLE = 300
MOST_VALUE = 500
MOST_NAME = 60
MOST_OWN = 20_000
# A secret is masked before the text is cut, or half of it would pass: so much more than is shown is looked at.
_BEYOND = 1000
_BEFORE = {
    MessageKind.WORSE: "Worse: ",
    MessageKind.ACKNOWLEDGED: "Acknowledged: ",
    MessageKind.RESOLVED: "Resolved: ",
    MessageKind.ESCALATION: "Nobody sees to it: ",
    MessageKind.TEST: "Test: ",
}
_LEADS = {
    MessageKind.BEGAN: "This began.",
    MessageKind.WORSE: "This got worse.",
    MessageKind.ACKNOWLEDGED: "Somebody sees to this.",
    MessageKind.RESOLVED: "This is over.",
    MessageKind.ESCALATION: "This was told before, and nobody has acknowledged it.",
    MessageKind.DIGEST: "This came up lately; none of it is urgent.",
    MessageKind.TEST: "This is a test: nothing is wrong, and messages arrive here.",
}
_AGAIN = "It may have been sent before: nothing came back to say that it arrived."
# These ask somebody to do something; the others are news of it.
_ASKING = frozenset({MessageKind.BEGAN, MessageKind.WORSE, MessageKind.ESCALATION})


class Writer:
    """Writes the messages of one channel. `template` is its own wording, sound as `check_template` says. `tame` does
    to each text of an alert what the channel itself can't, before a template sees it.
    """

    def __init__(self, template: str | None = None, *, tame: Callable[[str], str] | None = None) -> None:
        self._template = template
        self._tame = tame

    def words(self, message: Message) -> Words:
        """What it says. A template that fails on this message gives way to the usual wording."""
        usual = _usual(message)
        if self._tame is not None:
            usual = _tamed(usual, self._tame)
        if self._template is None:
            return usual
        try:
            own = render(self._template, message, usual)
        except TemplateFault as error:
            logger.warning("alerts: a template failed, and the usual wording was sent: %s", error)
            return usual
        return Words(subject=usual.subject, lead="", items=usual.items, own=lines(own, MOST_OWN))


def safe(text: str, most: int) -> str:
    """Any text as it may be sent: one line, masked, cut."""
    return one_line(mask(text[: most + _BEYOND]), most)


def moment_text(at: datetime) -> str:
    """A moment as people read it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def subject_of(message: Message) -> str:
    """One line: whose, how grave, what."""
    title = safe(message.title, MOST_TITLE)
    grave = "" if message.kind in (MessageKind.RESOLVED, MessageKind.TEST) else f"{message.severity.value.upper()}: "
    return f"[{safe(message.installation, MOST_NAME)}] {_BEFORE.get(message.kind, '')}{grave}{title}"


def _usual(message: Message) -> Words:
    shown = message.incidents[:MOST_ITEMS]
    left = message.more + len(message.incidents) - len(shown)
    return Words(
        subject=subject_of(message),
        lead=" ".join([_LEADS[message.kind], *([_AGAIN] if message.again else [])]),
        items=[_item(told, message.kind, MOST_FACTS if len(shown) == 1 else FEW_FACTS) for told in shown],
        more=left,
    )


def _tamed(words: Words, tame: Callable[[str], str]) -> Words:
    """All that alerts say; neither our own sentences nor our links."""
    items = [
        replace(item, title=tame(item.title), facts=[(tame(name), tame(value)) for name, value in item.facts])
        for item in words.items
    ]
    return replace(words, subject=tame(words.subject), items=items)


def _item(told: Told, kind: MessageKind, most_facts: int) -> Item:
    open_yet = told.resolved_at is None and not told.acknowledged_by
    return Item(
        title=f"{told.severity.value.upper()}: {safe(told.title, MOST_TITLE)}",
        facts=list(_facts(told, most_facts)),
        advice=advice(told.category) if kind in _ASKING else "",
        page=link(told.page),
        acknowledge=link(told.acknowledge) if open_yet and kind is not MessageKind.TEST else "",
    )


def _facts(told: Told, most: int) -> Iterator[tuple[str, str]]:
    yield "Category", safe(told.category, MOST_NAME)
    yield "Tenant", safe(told.tenant, MOST_VALUE) if told.tenant is not None else "none, the installation itself"
    yield "Since", moment_text(told.began_at)
    if told.count > 1:
        yield "Count", f"{told.count}, the last at {moment_text(told.last_at)}"
    if told.acknowledged_by:
        yield "Acknowledged by", safe(told.acknowledged_by, MOST_NAME)
    if told.resolved_at is not None:
        yield "Over", f"{moment_text(told.resolved_at)}, after {_span(told)}"
    for name, value in list(told.details.items())[:most]:
        yield fact(name, value)
    if len(told.details) > most:
        yield "Further details", f"{len(told.details) - most}, in the console"


def fact(name: str, value: str) -> tuple[str, str]:
    """A name that says `token` makes its value one: masked as the pair it is."""
    shown = safe(name, MOST_NAME)
    hidden = mask(f"{shown}={value[: MOST_VALUE + _BEYOND]}")
    return shown, one_line(hidden.partition("=")[2] if hidden.startswith(f"{shown}=") else hidden, MOST_VALUE)


def _span(told: Told) -> str:
    assert told.resolved_at is not None, "asked of what is over"
    seconds = max(0, round((told.resolved_at - told.began_at).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
