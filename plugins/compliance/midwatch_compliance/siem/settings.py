"""Settings of the export: which receivers there are, and how much waits for them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from midwatch_core import Section, has_secret, split_address

_NEEDS = {"file": "path", "http": "url", "syslog": "address"}
_GOES_WITH = {
    "path": "file",
    "max_bytes": "file",
    "keep": "file",
    "url": "http",
    "headers": "http",
    "body": "http",
    "address": "syslog",
    "transport": "syslog",
}


class SinkSettings(Section):
    """One receiver."""

    kind: Literal["file", "http", "syslog"] = Field(description="Where events go: a file, a URL, a syslog server.")
    name: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="What metrics call it; its kind, if not given."
    )
    format: Literal["ocsf", "cef", "rfc5424"] = Field("ocsf", description="OCSF JSON, CEF, or RFC 5424.")
    path: Path | None = Field(None, description="file: where; in the home, unless whole.")
    max_bytes: int = Field(64 * 1024**2, ge=4096, description="file: size at which a new one is begun.")
    keep: int = Field(5, ge=0, le=1000, description="file: how many older ones are kept, as PATH.1, PATH.2, …")
    url: str | None = Field(None, description="http: where batches are posted to, https.")
    headers: Mapping[str, str] = Field(
        default_factory=dict,
        description="http: headers, secrets as ${VARIABLE} or ${file:PATH}: {Authorization: 'Bearer ${SIEM_TOKEN}'}.",
    )
    body: Literal["lines", "array"] = Field("lines", description="http: one event a line, or one JSON array (ocsf).")
    address: str | None = Field(None, description="syslog: HOST:PORT.")
    transport: Literal["udp", "tcp", "tls"] = Field("tls", description="syslog: how it gets there.")

    @property
    def called(self) -> str:
        """The name that metrics and files use."""
        return self.name or self.kind

    @field_validator("url")
    @classmethod
    def _sound_url(cls, value: str | None) -> str | None:
        if value is not None and not _is_url(value):
            raise ValueError("a URL is https://HOST/PATH, of printable ASCII")
        if value is not None and has_secret(value):
            raise ValueError("a secret has no place in the URL: put it in `headers`, as ${VARIABLE} or ${file:PATH}")
        return value

    @field_validator("headers")
    @classmethod
    def _no_literal_secrets(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            if "${" not in text:
                raise ValueError(f"{name}: give its value as ${{VARIABLE}} or ${{file:PATH}}, with a word before it")
        return value

    @field_validator("address")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            split_address(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if getattr(self, _NEEDS[self.kind]) is None:
            raise ValueError(f"a sink of the kind {self.kind} needs `{_NEEDS[self.kind]}`")
        for name in sorted(self.model_fields_set & _GOES_WITH.keys()):
            if _GOES_WITH[name] != self.kind and getattr(self, name) != type(self).model_fields[name].get_default(
                call_default_factory=True
            ):
                raise ValueError(f"`{name}` goes with the kind {_GOES_WITH[name]}")
        if self.body == "array" and self.format != "ocsf":
            raise ValueError("`body: array` goes with `format: ocsf`")
        return self


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def check_apart(sinks: Sequence[SinkSettings]) -> None:
    """Raises ValueError where two sinks have one name: their positions would be one."""
    twice = [name for name, count in Counter(sink.called for sink in sinks).items() if count > 1]
    if twice:
        raise ValueError(f"two sinks are called {twice[0]!r}: give each a `name`")
