"""Names of one provider's hosts, of which there may be as many as there are customers."""

from __future__ import annotations

AZURE = "openai.azure.com"


def many_names(count: int) -> list[str]:
    """So many hosts, all of which one wildcard certificate covers."""
    return [f"customer-{number}.{AZURE}" for number in range(count)]
