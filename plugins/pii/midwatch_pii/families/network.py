"""Addresses of machines: IPv4, IPv6 and MAC."""

import ipaddress

from midwatch_core import Severity
from midwatch_pii.recogniser import Recogniser, whole

_IP_WORDS = (
    "ip",
    "ip address",
    "ipv4",
    "ipv6",
    "client ip",
    "remote addr",
    "x-forwarded-for",
    "address",
    "host",
    "from",
    "ping",
)


def _ip(candidate: str) -> bool:
    """An address of one machine, public or private; none that means nobody (loopback, multicast, unspecified)."""
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return False
    return not (
        address.is_loopback
        or address.is_multicast
        or address.is_unspecified
        or address.is_link_local
        or candidate.endswith(".255")
    )


def _spoken_ip(candidate: str) -> bool:
    """An address that can't be taken for a version (`1.2.3.4`) or a network (`10.0.0.0`)."""
    parts = candidate.split(".")
    return max(map(len, parts)) > 1 and parts[-1] != "0" and sum(len(part) for part in parts) > 5 and _ip(candidate)


def _ipv6(candidate: str) -> bool:
    """An IPv6 address, no fingerprint in bytes, no time of day."""
    groups = candidate.split(":")
    return not all(len(group) == 2 for group in groups) and any(map(str.isdigit, candidate)) and _ip(candidate)


def _mac(candidate: str) -> bool:
    """Six bytes of more than one value, outside multicast and RFC 7042's documentation range."""
    digits = candidate.replace("-", ":").lower()
    if len(digits) != 17 or len(set(digits)) < 4 or digits.startswith(("00:00:5e:00:53", "01:00:5e")):
        return False
    return len(set(candidate) & {":", "-"}) == 1


NETWORK = (
    Recogniser(
        rule="ipv4",
        kind="IP",
        title="IPv4 address",
        pattern=r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
        alone=0.6,
        near=0.85,
        severity=Severity.LOW,
        labels=_IP_WORDS,
        accept=whole(_spoken_ip),
        marks=".",
    ),
    Recogniser(
        rule="ipv6",
        kind="IP",
        title="IPv6 address",
        pattern=r"(?i)\b(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})(?::[0-9a-f]{1,4}){0,6}\b",
        alone=0.7,
        near=0.85,
        severity=Severity.LOW,
        labels=_IP_WORDS,
        accept=whole(_ipv6),
        marks=":",
    ),
    Recogniser(
        rule="mac",
        kind="MAC",
        title="MAC address",
        pattern=r"\b(?:[0-9A-Fa-f]{2}[:-]){5,}[0-9A-Fa-f]{2}\b",
        alone=0.7,
        near=0.9,
        severity=Severity.LOW,
        labels=("mac", "mac address", "hwaddr", "ether"),
        accept=whole(_mac),
    ),
)
