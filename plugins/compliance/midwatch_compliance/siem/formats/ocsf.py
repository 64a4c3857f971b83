"""OCSF: an event as a Detection Finding (class 2004) with the profile Security Control.

Schema: https://schema.ocsf.io/1.5.0/classes/detection_finding
"""

import re
from typing import Any

import orjson

from midwatch_compliance.siem.event import SiemEvent

VERSION = "1.5.0"
_CLASS = 2004
_CREATE = 1
_SEVERITY = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_SEVERITY_NAME = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
# JSON escapes those below U+0020 itself.
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
# What was done: action_id and its caption, disposition_id and its caption.
_DONE = {
    "block": (2, "Denied", 2, "Blocked"),
    "cut": (2, "Denied", 2, "Blocked"),
    "redact": (4, "Modified", 11, "Corrected"),
    "flag": (3, "Observed", 15, "Detected"),
    "allow": (1, "Allowed", 1, "Allowed"),
}
# 1 low, 2 medium, 3 high.
_CONFIDENCE = ((0.4, 1, "Low"), (0.75, 2, "Medium"), (1.01, 3, "High"))


def ocsf_line(event: SiemEvent, version: str) -> str:
    """The event as JSON in one line, also for readers who take Unicode's line ends for ends of lines."""
    return _LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", orjson.dumps(ocsf(event, version)).decode())


def ocsf(event: SiemEvent, version: str) -> dict[str, Any]:
    """The event as a Detection Finding's values; what is not known is left out."""
    severity_id = _SEVERITY.get(event.severity, 0)
    action_id, action, disposition_id, disposition = _DONE.get(event.action, (0, "Unknown", 0, "Unknown"))
    at_ms = int(event.moment.timestamp() * 1000)
    document: dict[str, Any] = {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Detection Finding",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Detection Finding: Create",
        "time": at_ms,
        "severity_id": severity_id,
        "severity": _SEVERITY_NAME.get(severity_id, "Unknown"),
        "status_id": 1,
        "status": "New",
        "message": event.title,
        "is_alert": severity_id >= _SEVERITY["high"],
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "metadata": _metadata(event, version),
        "finding_info": _finding_info(event, at_ms),
        "resources": [{"type": "LLM", "name": event.model or event.host, "uid": event.host}],
        "evidences": [_evidence(event)],
        "unmapped": {"midwatch": _unmapped(event)},
    }
    return document | _policy(event) | _confidence(event)


def _metadata(event: SiemEvent, version: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "uid": event.id,
        "correlation_uid": event.trace_id,
        "tenant_uid": event.tenant,
        "profiles": ["security_control"],
        "product": {"name": "Midwatch", "vendor_name": "Midwatch", "version": version or "0"},
        "log_name": event.kind,
    }


def _finding_info(event: SiemEvent, at_ms: int) -> dict[str, Any]:
    info: dict[str, Any] = {
        "uid": event.id,
        "title": event.title,
        "created_time": at_ms,
        "types": [item for item in (event.category, *event.owasp) if item],
    }
    if event.rule:
        info["analytic"] = {"type_id": 1, "type": "Rule", "name": event.rule, "uid": event.rule}
    return info


def _evidence(event: SiemEvent) -> dict[str, Any]:
    """At least one of the object's own artifacts is there always: the endpoint that was called."""
    data = {"exchange_id": event.exchange_id, "masked": event.evidence, "direction": event.direction}
    evidence: dict[str, Any] = {
        "dst_endpoint": {"hostname": event.host, "svc_name": event.provider},
        "data": {key: value for key, value in data.items() if value},
    }
    if event.client:
        evidence["src_endpoint"] = {"ip": event.client}
    actor = {"app_name": event.app, "user": {"name": event.user} if event.user else None}
    if any(actor.values()):
        evidence["actor"] = {key: value for key, value in actor.items() if value}
    return evidence


def _policy(event: SiemEvent) -> dict[str, Any]:
    if not event.policy:
        return {}
    return {"policy": {"name": event.policy, "uid": f"{event.policy}/{event.policy_line or ''}".rstrip("/")}}


def _confidence(event: SiemEvent) -> dict[str, Any]:
    if event.confidence is None:
        return {}
    number, name = next((number, name) for above, number, name in _CONFIDENCE if event.confidence < above)
    return {"confidence_id": number, "confidence": name, "confidence_score": round(event.confidence * 100)}


def _unmapped(event: SiemEvent) -> dict[str, Any]:
    known = {
        "exchange_id": event.exchange_id,
        "action": event.action,
        "agent": event.agent,
        "model": event.model,
        "owasp": list(event.owasp),
    }
    return {key: value for key, value in known.items() if value}
