"""The catalogue of providers: which host and path is which provider, spoken in which dialect."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import re2
from pydantic import BaseModel, ConfigDict, Field, field_validator

from midwatch_core.model.content import Json

_MAX_KEPT = 4096
_MAX_KEPT_PATH = 512
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RouteSpec(BaseModel):
    """A path of a provider's API. `path` is an RE2 pattern for the whole path, without its query.

    `shape` lists keys that a JSON request must have at its top; it is what tells an LLM call on a host that nobody
    listed; `values` are RE2 patterns that strings at its top must match, by key. `methods` defaults to POST. `socket`
    routes are for requests that ask for a WebSocket (their method is GET), all others for those that do not. `headers`
    are RE2 patterns that request headers must match as a whole, by their names. `listens` routes are streams on which a
    server speaks unasked: they are recorded only where it said something. `subscription` marks routes that a flat fee
    pays for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    dialect: str
    methods: tuple[str, ...] = ("POST",)
    shape: tuple[str, ...] = ()
    values: Mapping[str, str] = Field(default_factory=dict)
    headers: Mapping[str, str] = Field(default_factory=dict)
    socket: bool = False
    listens: bool = False
    subscription: bool = False

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str) -> str:
        try:
            re2.compile(path, _quiet())
        except re2.error as error:
            raise ValueError(f"not an RE2 pattern: {_words(error)}") from error
        return path

    @field_validator("values", "headers")
    @classmethod
    def _all_compile(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        for pattern in values.values():
            cls._compiles(pattern)
        return values


def _quiet() -> "re2.Options":
    """Without RE2's own word on standard error: the exception says it."""
    options = re2.Options()
    options.log_errors = False
    return options


def _words(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


class ProviderSpec(BaseModel):
    """A provider. `hosts` are names with `*` standing for any labels, optionally with a port (`10.0.0.5:8000`).

    `routes` is a list, or the name of a set of routes defined under `route_sets`. `name` follows OpenTelemetry's
    `gen_ai.provider.name` where it has one. `priced_like` names a provider whose published prices hold for this one
    too, as for a gateway of your own in front of OpenAI.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str = ""
    hosts: tuple[str, ...] = ()
    routes: str | tuple[RouteSpec, ...] = "openai_compatible"
    priced_like: str | None = None


class AiHostSpec(BaseModel):
    """An AI service that is known by its hosts alone: what is said there is not decrypted. Hosts as a provider's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str = ""
    hosts: tuple[str, ...] = Field(min_length=1)


class CatalogueSpec(BaseModel):
    """A providers file: sets of routes, providers, the set tried by path and shape on other hosts, other AI hosts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route_sets: Mapping[str, tuple[RouteSpec, ...]] = Field(default_factory=dict)
    providers: tuple[ProviderSpec, ...] = ()
    anywhere: tuple[ProviderSpec, ...] = ()
    ai_hosts: tuple[AiHostSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What the catalogue says of a call.

    `shape` is empty, or the keys its body must have to count as one; `values` what strings under keys must match.
    `captures` are without their percent-encoding: an ARN as a model's name has colons and slashes.
    """

    provider: str
    dialect: str
    captures: Mapping[str, str] = field(default_factory=dict)
    shape: tuple[str, ...] = ()
    values: "Mapping[str, re.Pattern[str]]" = field(default_factory=dict)
    socket: bool = False
    listens: bool = False
    subscription: bool = False

    def fits(self, document: Json) -> bool:
        """Whether a request's document has the shape; for a JSON-RPC batch, whether its first call has it."""
        if not self.shape and not self.values:
            return True
        if isinstance(document, list) and document:
            document = document[0]
        if not isinstance(document, dict) or not all(key in document for key in self.shape):
            return False
        return all(
            isinstance(value := document.get(key), str) and pattern.fullmatch(value) is not None
            for key, pattern in self.values.items()
        )

    def takes(self, document: Json, *, oversize: bool) -> bool:
        """Whether a request is taken for a call.

        One that is no JSON (None) is, by its path, unless strings were to tell; one too large to be read always is.
        """
        return oversize or not self.values if document is None else self.fits(document)


class CatalogueError(ValueError):
    """A providers file that can't be used: the message names the provider and what would be right."""


@dataclass(frozen=True, slots=True)
class _Route:
    pattern: "re.Pattern[str]"
    spec: RouteSpec
    values: "Mapping[str, re.Pattern[str]]"
    headers: "Mapping[str, re.Pattern[str]]"

    def takes(self, method: str, *, socket: bool) -> bool:
        if self.spec.socket or socket:
            return self.spec.socket and socket and method == "GET"
        return method in self.spec.methods

    def has(self, headers: Mapping[str, str]) -> bool:
        return all(
            (value := headers.get(name, "")).isascii() and pattern.fullmatch(value) is not None
            for name, pattern in self.headers.items()
        )


@dataclass(frozen=True, slots=True)
class _Provider:
    name: str
    title: str
    hosts: "re.Pattern[str] | None"
    routes: tuple[_Route, ...]

    @property
    def asks_headers(self) -> bool:
        """Whether method and path don't tell alone."""
        return any(route.headers for route in self.routes)

    def match(self, method: str, path: str, headers: Mapping[str, str], *, socket: bool) -> Match | None:
        for route in self.routes:
            if not route.takes(method, socket=socket) or not (found := route.pattern.fullmatch(path)):
                continue
            if route.headers and not route.has(headers):
                continue
            return Match(
                provider=self.name,
                dialect=route.spec.dialect,
                captures={key: unquote(value) for key, value in found.groupdict().items() if value is not None},
                shape=route.spec.shape,
                values=route.values,
                socket=socket,
                listens=route.spec.listens,
                subscription=route.spec.subscription,
            )
        return None


class Catalogue:
    """Answers two questions: is this host to be decrypted, and is this call one to a model?"""

    def __init__(self, specs: Iterable[CatalogueSpec], *, dialects: Iterable[str]) -> None:
        """Earlier specs win (the user's own come first). Raises CatalogueError."""
        specs = list(specs)
        sets = {name: routes for spec in reversed(specs) for name, routes in spec.route_sets.items()}
        known = set(dialects)
        self._providers = [_compile(item, sets, known) for spec in specs for item in spec.providers]
        self._anywhere = [_compile(item, sets, known) for spec in specs for item in spec.anywhere]
        self.ai_hosts = tuple(item for spec in specs for item in spec.ai_hosts)
        self._by_host: dict[tuple[str, int], tuple[_Provider, ...]] = {}
        self._matches: dict[tuple[str, int, str, str, bool], Match] = {}

    @property
    def providers(self) -> tuple[str, ...]:
        """Names of the providers with hosts, in order."""
        return tuple(dict.fromkeys(provider.name for provider in self._providers))

    def lists(self, host: str, port: int) -> bool:
        """Whether some provider has this host."""
        return bool(self._of(host, port))

    def provider_of(self, host: str, port: int) -> tuple[str, str] | None:
        """Name and title of the first provider that has this host."""
        return next(((item.name, item.title) for item in self._of(host, port)), None)

    def match(
        self,
        host: str,
        port: int,
        method: str,
        path: str,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        socket: bool = False,
    ) -> Match | None:
        """The route of a call on a listed host. It is kept: a client's calls go to a few paths, over and over.

        Where a route depends on headers it is not. Their names are in lower case, or in a mapping that does not mind.
        `socket` where the request asks for a WebSocket.
        """
        key = (host, port, method, path, socket)
        if key in self._matches:
            return self._matches[key]
        providers = self._of(host, port)
        found = next(filter(None, (item.match(method, path, headers, socket=socket) for item in providers)), None)
        kept = len(path) <= _MAX_KEPT_PATH and not any(item.asks_headers for item in providers)
        if found is not None and kept:
            _make_room(self._matches)
            self._matches[key] = found
        return found

    def match_anywhere(
        self, method: str, path: str, headers: Mapping[str, str] = NO_HEADERS, *, socket: bool = False
    ) -> Match | None:
        """A candidate by path and headers, for plain HTTP and for hosts the user chose to decrypt; check `fits`."""
        for provider in self._anywhere:
            if match := provider.match(method, path, headers, socket=socket):
                return match
        return None

    def _of(self, host: str, port: int) -> tuple[_Provider, ...]:
        key = (host.lower().rstrip("."), port)
        found = self._by_host.get(key)
        if found is None:
            _make_room(self._by_host)
            names = host_names(host, port)
            found = tuple(item for item in self._providers if item.hosts and item.hosts.search(names))
            self._by_host[key] = found
        return found


def _make_room(kept: dict[Any, Any]) -> None:
    """Hosts and paths come from clients: what is kept must not grow with their fancy."""
    if len(kept) >= _MAX_KEPT:
        kept.clear()


def _compile(spec: ProviderSpec, sets: Mapping[str, tuple[RouteSpec, ...]], known: set[str]) -> _Provider:
    routes = sets.get(spec.routes) if isinstance(spec.routes, str) else spec.routes
    if routes is None:
        raise CatalogueError(
            f"provider {spec.name!r}: no route set {spec.routes!r}; there are {', '.join(sorted(sets))}"
        )
    for route in routes:
        if route.dialect not in known:
            raise CatalogueError(
                f"provider {spec.name!r}: no dialect {route.dialect!r}; there are {', '.join(sorted(known))}"
            )
    return _Provider(
        name=spec.name,
        title=spec.title or spec.name,
        hosts=host_patterns(spec.hosts),
        routes=tuple(
            _Route(
                pattern=re2.compile(route.path),
                spec=route,
                values={key: re2.compile(pattern) for key, pattern in route.values.items()},
                headers={key.lower(): re2.compile(pattern) for key, pattern in route.headers.items()},
            )
            for route in routes
        ),
    )


def host_patterns(hosts: Iterable[str]) -> "re.Pattern[str] | None":
    """One pattern for names of hosts as a provider has them, to be searched in `host_names`; None where none is."""
    patterns = [_host_pattern(host) for host in hosts]
    return re2.compile("|".join(patterns)) if patterns else None


def host_names(host: str, port: int) -> str:
    """What patterns of hosts are searched in. A blank in a stranger's host name would make several of it."""
    name = host.lower().rstrip(".")
    return "" if " " in name else f"{name} {name}:{port}"


def _host_pattern(host: str) -> str:
    """`*` stands for one or more characters; the searched text is "host host:port"."""
    body = re.escape(host.lower()).replace(r"\*", "[^ ]+")
    return f"(?:^| ){body}(?: |$)"
