"""CEF: an event as one line of ArcSight's Common Event Format, version 0.

In the header a backslash and a pipe are escaped, in the extension a backslash, an equals sign and line ends. Format:
https://www.microfocus.com/documentation/arcsight/arcsight-smartconnectors/pdfdoc/cef-implementation-standard/cef-implementation-standard.pdf
"""

import ipaddress
import re

from midwatch_compliance.siem.event import SiemEvent

# Of 0 to 10.
_SEVERITY = {"info": 1, "low": 3, "medium": 5, "high": 8, "critical": 10}
_NAME_CHARACTERS = 512
# Everything that some reader takes for the end of a line, and other controls.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE_ENDS = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def cef_line(event: SiemEvent, version: str) -> str:
    """The event as a line."""
    header = (
        "CEF:0",
        "Midwatch",
        "Midwatch",
        _header(version or "0"),
        _header(event.rule or event.kind),
        _header(event.title[:_NAME_CHARACTERS]),
        str(_SEVERITY.get(event.severity, 0)),
    )
    extension = " ".join(f"{key}={_value(text)}" for key, text in _extension(event).items())
    return "|".join((*header, extension))


def _extension(event: SiemEvent) -> dict[str, str]:
    known = {
        "externalId": event.id,
        "rt": str(int(event.moment.timestamp() * 1000)),
        "cat": event.category,
        "act": event.action,
        "dhost": event.host,
        "src": event.client if _is_ipv4(event.client) else None,
        "c6a2": event.client if event.client and not _is_ipv4(event.client) and _is_ip(event.client) else None,
        "suser": event.user,
        "requestClientApplication": event.app,
        "cs1": event.tenant,
        "cs2": event.exchange_id,
        "cs3": event.model,
        "cs4": ",".join(event.owasp) or None,
        "cs5": event.agent,
        "cs6": event.evidence,
        "reason": "/".join(text for text in (event.policy, event.policy_line) if text) or None,
        "deviceDirection": {"request": "1", "response": "0"}.get(event.direction or ""),
    }
    labels = {
        "c6a2": "Source IPv6 Address",
        "cs1": "tenant",
        "cs2": "exchange",
        "cs3": "model",
        "cs4": "owasp",
        "cs5": "agent",
        "cs6": "evidence",
    }
    there = {key: text for key, text in known.items() if text}
    return there | {f"{key}Label": label for key, label in labels.items() if key in there}


def _header(text: str) -> str:
    r"""A field of the header: no line ends, a backslash before `\` and `|`."""
    return _CONTROLS.sub(" ", text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    r"""A value of the extension: a backslash before `\` and `=`, line ends as `\n`."""
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return _CONTROLS.sub(" ", _LINE_ENDS.sub(r"\\n", escaped))


def _is_ipv4(text: str | None) -> bool:
    return _is_ip(text) and ":" not in (text or "")


def _is_ip(text: str | None) -> bool:
    try:
        ipaddress.ip_address(text or "")
    except ValueError:
        return False
    return True
