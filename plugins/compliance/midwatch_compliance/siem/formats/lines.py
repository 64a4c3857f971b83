"""Lines: an event in the format that a sink asks for, whole, or inside a syslog message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from midwatch_compliance.siem.event import SiemEvent
from midwatch_compliance.siem.formats.cef import cef_line
from midwatch_compliance.siem.formats.ocsf import ocsf_line
from midwatch_compliance.siem.formats.syslog import structured, syslog_message

_PLAIN: Mapping[str, Callable[[SiemEvent, str], str]] = {"ocsf": ocsf_line, "cef": cef_line}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """`format` is ocsf, cef or rfc5424; `version` is Midwatch's, `hostname` this machine's."""

    format: str
    version: str
    hostname: str

    def line(self, event: SiemEvent) -> str:
        """The event as a line without its end."""
        plain = _PLAIN.get(self.format)
        return self.message(event) if plain is None else plain(event, self.version)

    def message(self, event: SiemEvent) -> str:
        """The event as a syslog message: its own structured data, or another format's line as the text."""
        plain = _PLAIN.get(self.format)
        rest = structured(event, self.version) if plain is None else f"- {plain(event, self.version)}"
        return syslog_message(event, self.hostname, rest)
