"""Settings of what a client's connection may ask of a worker: patience, room, and wrong keys."""

from pydantic import Field

from midwatch_core.section import Section


class ConnectionSettings(Section):
    """Bounds of client connections. Each worker keeps them by itself: `max` is for one of them."""

    max: int = Field(
        10_000,
        ge=0,
        description="Client connections a worker holds; fewer where file descriptors end. 0: no bound.",
    )
    max_per_client: int = Field(2_500, ge=0, description="The same for one client's address. 0: no bound.")
    head_s: float = Field(
        30,
        gt=0,
        le=3600,
        description="Seconds a client is given for its first request's head, and each it began.",
    )
    handshake_s: float = Field(
        30, gt=0, le=3600, description="Seconds a client is given for each part of its TLS handshake."
    )
    body_s: float = Field(
        60,
        gt=0,
        le=3600,
        description="Seconds over each of which the body of an HTTP/1 request must bring `min_body_bytes_per_s`.",
    )
    min_body_bytes_per_s: int = Field(
        100, ge=0, description="Bytes a second, on average; its connection is closed otherwise. 0: no bound."
    )
    idle_s: int = Field(600, gt=0, description="Seconds without a byte after which a connection is closed.")
    max_head_bytes: int = Field(
        64 * 1024,
        ge=1024,
        description="Bytes the head of an HTTP/1 message may have; HTTP/2's has 64 KiB at most.",
    )
    wrong_keys: int = Field(
        20, ge=0, description="Wrong keys from one address within a minute before it must wait. 0: no bound."
    )
    wrong_keys_wait_s: float = Field(60, gt=0, le=86400, description="Seconds such an address must wait.")
