"""The section `grpc`: where to listen, and how much at once."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from midwatch_core import Section, split_address


class GrpcSettings(Section):
    """The section `grpc`. It is read at a start; without `listen` nothing listens."""

    listen: str | None = Field(None, description="Where gRPC listens, HOST:PORT; none: it does not.")
    certificate: Path | None = Field(None, description="PEM file of the certificate and its chain, for TLS.")
    private_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    max_message_bytes: int = Field(
        16 * 1024**2, ge=1024, le=1024**3, description="A message above this is refused; a stream holds three at most."
    )
    max_requests: int = Field(
        64, ge=1, le=10_000, description="Requests and streams served at once; further ones may come again."
    )

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            split_address(value)
        return value

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        return self
