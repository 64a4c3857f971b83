"""Which hosts are hosts of AI services, to be counted in the inventory: the catalogue's, others by name, one's own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from midwatch_core.wire.catalogue import AiHostSpec, Catalogue, host_names, host_patterns

_MAX_KEPT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class AiHost:
    """A host of an AI service. `provider` is the catalogue's name for it; `known` as in `Sighting`."""

    title: str
    provider: str | None = None
    known: bool = True


class AiHosts:
    """Answers whether a host belongs to an AI service. Answers are kept: the same few hosts are asked for again."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        own: Iterable[AiHostSpec] = (),
        approved: Iterable[str] = (),
        unapproved: Iterable[str] = (),
    ) -> None:
        """`own` are services of the configuration; `approved` and `unapproved` are patterns of hosts, the last wins."""
        self._catalogue = catalogue
        self._services = [(item, host_patterns(item.hosts)) for item in (*own, *catalogue.ai_hosts)]
        self._approved = host_patterns(approved)
        self._unapproved = host_patterns(unapproved)
        self._kept: dict[tuple[str, int], AiHost | None] = {}

    def of(self, host: str, port: int = 443) -> AiHost | None:
        """What is known of a host; None where it is no AI service's, as far as anybody said."""
        key = host, port
        if key not in self._kept:
            if len(self._kept) >= _MAX_KEPT:  # names come from clients
                self._kept.clear()
            self._kept[key] = self._find(host, port)
        return self._kept[key]

    def unlisted(self, host: str, port: int) -> AiHost:
        """What is known of a host that nobody lists, and on which a call to a model was seen all the same."""
        return AiHost(title=host, known=self._known(host_names(host, port), listed=False))

    def _find(self, host: str, port: int) -> AiHost | None:
        names = host_names(host, port)
        if found := self._catalogue.provider_of(host, port):
            provider, title = found
            return AiHost(title=title, provider=provider, known=self._known(names, listed=True))
        for service, patterns in self._services:
            if _in(names, patterns):
                return AiHost(title=service.title or service.name, known=self._known(names, listed=False))
        return None

    def _known(self, names: str, *, listed: bool) -> bool:
        return not _in(names, self._unapproved) and (listed or _in(names, self._approved))


def _in(names: str, patterns: "re.Pattern[str] | None") -> bool:
    return patterns is not None and patterns.search(names) is not None
