"""Formats of the export, held against their specifications; no text can make two events of one."""

import json
import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_compliance.siem.event import SiemEvent, as_json, event_of, events_of
from midwatch_compliance.siem.formats.cef import cef_line
from midwatch_compliance.siem.formats.lines import Lines
from midwatch_compliance.siem.formats.ocsf import ocsf, ocsf_line
from midwatch_compliance.siem.formats.syslog import structured, syslog_message
from midwatch_core import Action, Verdict
from midwatch_core.testing import make_exchange
from tests.plugins.compliance.conftest import HOSTILE, make_finding

EVENT = SiemEvent(
    id="f-1",
    kind="finding",
    at="2026-11-23T01:45:00.123456+00:00",
    exchange_id="01936f00-0000-7000-8000-000000000001",
    trace_id="t-1",
    tenant="acme",
    severity="high",
    action="block",
    title="Asks the model to drop its instructions",
    provider="openai",
    host="api.openai.com",
    model="gpt-5-mini",
    app="editor",
    agent="coder",
    user="ada",
    client="10.0.0.7",
    rule="midwatch/prompt-injection/ignore",
    category="prompt_injection",
    owasp=("LLM01:2025",),
    confidence=0.9,
    direction="request",
    evidence="ignore …",
    policy="strict",
    policy_line="injections-stopped",
)
_WHOLE, _TEXT = {"type": "integer"}, {"type": "string"}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


# What OCSF 1.5.0 requires of a Detection Finding and of the objects in it, with the values that the class fixes.
DETECTION_FINDING = _object(
    "activity_id category_uid class_uid finding_info metadata severity_id time type_uid",
    activity_id={"enum": [0, 1, 2, 3, 99]},
    category_uid={"const": 2},
    class_uid={"const": 2004},
    type_uid={"const": 200401},
    severity_id={"enum": [0, 1, 2, 3, 4, 5, 6, 99]},
    time={**_WHOLE, "minimum": 1_000_000_000_000},
    action_id={"enum": [0, 1, 2, 3, 4, 99]},
    disposition_id={"enum": [*range(28), 99]},
    confidence_id={"enum": [0, 1, 2, 3, 99]},
    is_alert={"type": "boolean"},
    metadata=_object(
        "product version",
        version={"const": "1.5.0"},
        uid=_TEXT,
        profiles={"const": ["security_control"]},
        product=_object("name", name=_TEXT, version=_TEXT),
    ),
    finding_info=_object(
        "uid", uid=_TEXT, title=_TEXT, created_time=_WHOLE, analytic=_object("type_id", type_id=_WHOLE)
    ),
    resources={"type": "array", "items": {"anyOf": [{"required": ["name"]}, {"required": ["uid"]}]}},
    evidences={
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [{"required": ["dst_endpoint"]}, {"required": ["data"]}]},
    },
    policy={"type": "object", "anyOf": [{"required": ["name"]}, {"required": ["uid"]}]},
)


@pytest.mark.parametrize("action", ["allow", "flag", "redact", "cut", "block"])
@pytest.mark.parametrize("severity", ["info", "low", "medium", "high", "critical"])
def test_ocsf_has_what_a_detection_finding_requires(action: str, severity: str) -> None:
    document = json.loads(ocsf_line(replace(EVENT, action=action, severity=severity), "0.1.0"))
    jsonschema.validate(document, DETECTION_FINDING)
    bare = SiemEvent(**{name: value for name, value in as_json(EVENT).items() if name in _NEEDED} | {"action": action})
    jsonschema.validate(ocsf(bare, ""), DETECTION_FINDING)


_NEEDED = frozenset(
    "id kind at exchange_id trace_id tenant severity action title provider host".split()  # noqa: SIM905  # as words
)


def test_ocsf_says_what_was_done_in_its_own_words() -> None:
    said = {
        action: (
            ocsf(replace(EVENT, action=action), "")["action"],
            ocsf(replace(EVENT, action=action), "")["disposition"],
        )
        for action in ("allow", "flag", "redact", "cut", "block")
    }
    assert said == {
        "allow": ("Allowed", "Allowed"),
        "flag": ("Observed", "Detected"),
        "redact": ("Modified", "Corrected"),
        "cut": ("Denied", "Blocked"),
        "block": ("Denied", "Blocked"),
    }
    document = ocsf(EVENT, "0.1.0")
    assert document["time"] == 1795398300123
    assert (document["severity_id"], document["severity"], document["is_alert"]) == (4, "High", True)
    assert (document["confidence_id"], document["confidence_score"]) == (3, 90)
    assert document["finding_info"]["types"] == ["prompt_injection", "LLM01:2025"]
    assert document["metadata"]["tenant_uid"] == "acme"


def parse_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """A reader of CEF as the format's document describes it."""
    parts = [match[1] for match in re.finditer(r"((?:\\.|[^\\|])*)\|", line)][:7]
    parts.append(line[sum(len(part) + 1 for part in parts) :])
    header = [part.replace("\\|", "|").replace("\\\\", "\\") for part in parts[:7]]
    pairs = re.findall(r"(\w+)=((?:\\.|[^\\=])*?)(?=\s\w+=|$)", parts[7])
    unescape = {"\\n": "\n", "\\=": "=", "\\\\": "\\"}
    return header, {key: re.sub(r"\\[n=\\]", lambda match: unescape[match[0]], value) for key, value in pairs}


def test_cef_is_a_header_of_seven_fields_and_an_extension() -> None:
    header, extension = parse_cef(cef_line(EVENT, "0.1.0"))
    assert header == ["CEF:0", "Midwatch", "Midwatch", "0.1.0", EVENT.rule, EVENT.title, "8"]
    assert extension["externalId"] == "f-1"
    assert extension["rt"] == "1795398300123"
    assert (extension["src"], extension["dhost"], extension["act"]) == ("10.0.0.7", "api.openai.com", "block")
    assert (extension["cs1Label"], extension["cs1"]) == ("tenant", "acme")
    assert extension["deviceDirection"] == "1"


def test_cef_escapes_pipes_in_the_header_and_equals_signs_in_the_extension() -> None:
    line = cef_line(replace(EVENT, title="a|b\\c=d\ne", evidence="x=y|z\\w\r\nact=allow"), "1")
    assert "|a\\|b\\\\c=d e|" in line
    assert "cs6=x\\=y|z\\\\w\\nact\\=allow" in line
    assert parse_cef(line)[1]["act"] == "block"
    six = cef_line(replace(EVENT, client="2001:db8::1"), "1")
    assert "c6a2=2001:db8::1" in six
    assert " src=" not in six
    assert "src=" not in cef_line(replace(EVENT, client="not an address"), "1")


# RFC 5424, section 6: the grammar of a message with one SD-ELEMENT and a message in UTF-8.
_SYSLOG = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<at>\S+) (?P<host>[\x21-\x7e]{1,255}) (?P<app>[\x21-\x7e]{1,48}) "
    r"- (?P<msgid>[\x21-\x7e]{1,32}) "
    r'\[(?P<sd>[\x21-\x7e]{1,32})(?P<params>(?: [\x21-\x7e]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] \ufeff(?P<msg>.*)',
    re.S,
)


def test_a_syslog_message_has_the_grammar_of_rfc_5424() -> None:
    message = syslog_message(EVENT, "node-1", structured(EVENT, "0.1.0"))
    found = _SYSLOG.fullmatch(message)
    assert found is not None
    assert (found["pri"], found["at"], found["host"]) == (str(13 * 8 + 3), "2026-11-23T01:45:00.123Z", "node-1")
    assert (found["app"], found["msgid"], found["msg"]) == ("midwatch", "finding", EVENT.title)
    assert ' rule="midwatch/prompt-injection/ignore"' in found["params"]


def test_syslog_escapes_what_would_end_a_parameter() -> None:
    data = structured(replace(EVENT, evidence='a"b]c\\d\ne'), "1")
    assert 'evidence="a\\"b\\]c\\\\d e"' in data
    assert syslog_message(EVENT, "ho st\n", data).split(" ")[2] == "host"
    assert syslog_message(EVENT, "", data).split(" ")[2] == "-"


@given(text=st.text(max_size=80))
@pytest.mark.parametrize("form", ["ocsf", "cef", "rfc5424"])
def test_no_text_makes_two_events_of_one(form: str, text: str) -> None:
    names = (
        "title",
        "rule",
        "tenant",
        "model",
        "app",
        "agent",
        "user",
        "client",
        "evidence",
        "policy",
        "host",
        "category",
    )
    event = replace(EVENT, **dict.fromkeys(names, text))  # type: ignore[arg-type]
    lines = Lines(format=form, version="1", hostname="node-1")
    for line in (lines.line(event), lines.message(event)):
        assert len(line.splitlines()) == 1
    if form == "rfc5424":
        assert _SYSLOG.fullmatch(lines.message(event)) is not None
    if form == "ocsf":
        assert json.loads(lines.line(event).encode("utf-8", "replace"))["finding_info"]["uid"] == "f-1"
    if form == "cef" and text.isascii() and text.isprintable():
        assert parse_cef(lines.line(event))[1]["externalId"] == "f-1"


def test_another_format_stands_in_a_syslog_message_as_its_text() -> None:
    message = Lines(format="cef", version="1", hostname="node-1").message(EVENT)
    assert message.startswith("<107>1 2026-11-23T01:45:00.123Z node-1 midwatch - finding - CEF:0|Midwatch|")


def test_a_call_gives_an_event_a_finding_and_one_a_verdict_that_changed_it() -> None:
    block = Verdict(action=Action.BLOCK, findings=("f-1",), policy="strict", policy_line="stop")
    tried = Verdict(action=Action.BLOCK, findings=("f-1",), policy="strict", dry_run=True)
    flag = Verdict(action=Action.FLAG, findings=("f-2",))
    call = make_exchange(
        findings=(make_finding(1, message=HOSTILE), make_finding(2)), verdicts=(flag, tried, block), trace_id="\ud800"
    )
    events = list(events_of(call))
    assert [(event.kind, event.id, event.action) for event in events] == [
        ("finding", "f-1", "block"),
        ("finding", "f-2", "flag"),
        ("enforcement", f"{call.id}:verdict:2", "block"),
    ]
    assert (events[0].policy, events[0].policy_line) == ("strict", "stop")
    assert {event.exchange_id for event in events} == {call.id}
    for event in events:
        assert event_of(json.loads(json.dumps(as_json(event)))) == event
    assert list(events_of(make_exchange())) == []
