"""Values that mean nobody: names and addresses reserved for documentation, and what the user lists."""

import ipaddress
from collections.abc import Iterable

import re2

from midwatch_core import ConfigError

# RFC 2606 and RFC 6761.
_RESERVED_DOMAINS = ("example.com", "example.org", "example.net", "example.edu")
_RESERVED_ENDS = ("example", "test", "invalid", "localhost", "local")
# RFC 5737, RFC 3849, RFC 9637.
_DOCUMENTATION = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
)
# Names of services that stand before an `@` in URLs of repositories, and senders that nobody reads: Claude Code tells
# its model in every conversation to sign commits with one.
_NOBODY = frozenset({"git", "hg", "svn", "noreply", "no-reply", "donotreply", "do-not-reply"})


class Allowed:
    """What is no finding."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """`patterns` are RE2 for whole values, case aside. Raises ConfigError for one that can't be read."""
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        self._patterns = []
        for pattern in patterns:
            try:
                self._patterns.append(re2.compile(pattern, options))
            except re2.error as problem:
                raise ConfigError(f"pii.allow: {pattern!r} is no RE2 pattern: {problem}") from problem

    def __call__(self, kind: str, value: str) -> bool:
        """Whether a value of a kind is allowed."""
        if kind == "EMAIL" and _reserved_mail(value):
            return True
        if kind == "IP" and _documentation(value):
            return True
        return any(pattern.fullmatch(value) for pattern in self._patterns)


def _reserved_mail(value: str) -> bool:
    local, _, domain = value.lower().rpartition("@")
    ends = domain.rpartition(".")[2] in _RESERVED_ENDS
    named = any(domain == name or domain.endswith(f".{name}") for name in _RESERVED_DOMAINS)
    return ends or named or local in _NOBODY


def _documentation(value: str) -> bool:
    address = ipaddress.ip_address(value)
    return any(address.version == network.version and address in network for network in _DOCUMENTATION)
