"""A CA of our own, made as mitmproxy makes its own."""

from datetime import date

from midwatch.trust.authority import Authority

_KEY_BITS = 2048
_NAME = "Midwatch CA"


def new_authority(made_on: date | None = None) -> Authority:
    """A root for ten years. One that follows another is told from it by the day in its name."""
    from mitmproxy.certs import create_ca

    key, certificate = create_ca("Midwatch", f"{_NAME} {made_on}" if made_on else _NAME, _KEY_BITS)
    return Authority(key=key, certificate=certificate)
