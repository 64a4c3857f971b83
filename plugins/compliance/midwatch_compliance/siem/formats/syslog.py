"""Syslog: messages of RFC 5424, with the event as structured data, or with a line of another format as the message.

https://www.rfc-editor.org/rfc/rfc5424 : HEADER SP STRUCTURED-DATA [SP MSG]
"""

import re

from midwatch_compliance.siem.event import SiemEvent

# 32473 is the number for examples (RFC 5612): Midwatch has none of its own.
_SD_ID = "midwatch@32473"
# log audit (13), section 6.2.1.
_FACILITY = 13
_SEVERITY = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_PRINTUSASCII = re.compile(r"[^\x21-\x7e]")
_MAX_HOSTNAME = 255
_MAX_MSGID = 32


def syslog_message(event: SiemEvent, hostname: str, rest: str) -> str:
    """A whole message: header, and `rest`, which is structured data (with a message), or `- ` and a line."""
    priority = _FACILITY * 8 + _SEVERITY.get(event.severity, 5)
    # Six digits of a second at most (section 6.2.3); ISO 8601 of a moment in UTC is RFC 3339.
    at = event.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host = _NOT_PRINTUSASCII.sub("", hostname)[:_MAX_HOSTNAME] or "-"
    return f"<{priority}>1 {at} {host} midwatch - {_NOT_PRINTUSASCII.sub('', event.kind)[:_MAX_MSGID]} {rest}"


def structured(event: SiemEvent, version: str) -> str:
    """Structured data of the event, and its title as the message (UTF-8, so with a byte order mark: section 6.4)."""
    known = {
        "id": event.id,
        "version": version or "0",
        "exchange": event.exchange_id,
        "trace": event.trace_id,
        "tenant": event.tenant,
        "severity": event.severity,
        "action": event.action,
        "rule": event.rule,
        "category": event.category,
        "owasp": ",".join(event.owasp),
        "confidence": None if event.confidence is None else f"{event.confidence:g}",
        "provider": event.provider,
        "host": event.host,
        "model": event.model,
        "app": event.app,
        "agent": event.agent,
        "user": event.user,
        "client": event.client,
        "evidence": event.evidence,
        "policy": event.policy,
        "line": event.policy_line,
    }
    parameters = " ".join(f'{name}="{_parameter(text)}"' for name, text in known.items() if text)
    return f"[{_SD_ID} {parameters}] \ufeff{_CONTROLS.sub(' ', event.title)}"


def _parameter(text: str) -> str:
    r"""A PARAM-VALUE: a backslash before `"`, `\` and `]` (section 6.3.3); control characters become spaces."""
    return re.sub(r'(["\\\]])', r"\\\1", _CONTROLS.sub(" ", text))
