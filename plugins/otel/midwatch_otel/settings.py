"""The section `otel`: where spans are taken, and where exchanges are sent."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from midwatch_core import Section, has_secret, split_address


class ExportSettings(Section):
    """Where exchanges are sent, as spans and metrics. What is not set here, `OTEL_EXPORTER_OTLP_*` may set."""

    endpoint: str | None = Field(
        None, description="URL of a collector that takes OTLP over HTTP; `/v1/traces` and `/v1/metrics` are added."
    )
    headers: Mapping[str, str] = Field(
        default_factory=dict, description="Headers to send along, each with ${VARIABLE} or ${file:PATH} for its secret."
    )
    content: bool = Field(
        False, description="Send the texts of calls too, as they are stored: what was masked stays so."
    )
    spans: bool = Field(True, description="Send spans.")
    metrics: bool = Field(True, description="Send metrics.")
    compression: Literal["gzip", "none"] | None = Field(None, description="How bodies are sent; gzip if not set.")
    interval_s: float = Field(5.0, gt=0, le=300, description="Seconds between two sendings.")
    timeout_s: float | None = Field(None, gt=0, le=60, description="Seconds that an answer may take; 10 if not set.")

    @field_validator("headers")
    @classmethod
    def _no_literal_secrets(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            if "${" not in text:
                raise ValueError(f"{name}: give its value as ${{VARIABLE}} or ${{file:PATH}}, with a word before it")
        return value

    @field_validator("endpoint")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an endpoint is a URL, such as http://127.0.0.1:4318")
        if has_secret(value) or parts.password or parts.query:
            raise ValueError("an endpoint has no password and no query: put keys into `headers`")
        return value


class OtelSettings(Section):
    """OpenTelemetry, in and out. Spans are always taken at the console's `/v1/traces`."""

    grpc_listen: str | None = Field(
        None, description="Where OTLP is taken over gRPC, HOST:PORT (4317 is usual); needs `midwatch-otel[grpc]`."
    )
    export: ExportSettings = Field(default_factory=ExportSettings)

    @field_validator("grpc_listen")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            split_address(value)
        return value
