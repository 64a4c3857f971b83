"""The way that Midwatch's own requests take (alerts, events for a SIEM, telemetry): as calls do, by `upstream`.

Who runs it behind a company's proxy has said so once, and a plugin that opens a client asks here. What HTTPS_PROXY says
is not heeded: on a machine that is watched it names Midwatch itself.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from midwatch_core.errors import ConfigError
from midwatch_core.secret_text import resolve_secrets
from midwatch_core.upstream_settings import PROXY_KEY, DirectHosts, ForwardProxy, UpstreamSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to get to a host.

    `proxy` is the URL of the forward proxy before it, with credentials: for a client, never for showing. `ca_file` is a
    PEM file of CAs to trust beside the public ones.
    """

    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The context, which trusts those CAs too from now on. Raises ConfigError where they can't be read."""
        if self.ca_file is not None:
            try:
                context.load_verify_locations(cafile=self.ca_file.expanduser())
            except OSError as error:  # ssl's errors are OSErrors
                raise ConfigError(f"upstream_ca: {self.ca_file}: {error.strerror or error}") from error
        return context


def way_to(url: str, settings: Mapping[str, object]) -> Way:
    """The way to the host of a URL, by a house's settings (`Host.settings`).

    Only https:// goes through the proxy, in a tunnel (CONNECT): of an http:// request the proxy would read the secrets.
    Raises ConfigError for a proxy that is none, or whose password is missing.
    """
    trusted = trusted_file(settings)
    upstream, parts = settings.get("upstream"), urlsplit(url)
    if not isinstance(upstream, UpstreamSettings) or parts.scheme != "https":
        return Way(ca_file=trusted)
    if (parts.hostname or "") in DirectHosts(upstream.direct):
        return Way(ca_file=trusted)
    return Way(proxy=way_through(settings), ca_file=trusted)


def way_through(settings: Mapping[str, object]) -> str | None:
    """The proxy's URL with its credentials, whatever is behind it; None where there is none. Raises ConfigError."""
    upstream = settings.get("upstream")
    if not isinstance(upstream, UpstreamSettings) or upstream.proxy is None:
        return None
    return _url(ForwardProxy.parse(resolve_secrets(upstream.proxy, key=PROXY_KEY)))


def trusted_file(settings: Mapping[str, object]) -> Path | None:
    """The file of CAs to trust beside the public ones; None where there is none."""
    ca_file = settings.get("upstream_ca")
    return ca_file if isinstance(ca_file, Path) else None


def _url(proxy: ForwardProxy) -> str:
    """The proxy's URL, its credentials encoded for that place."""
    before = ""
    if proxy.credentials is not None:
        user, _, password = proxy.credentials.partition(":")
        before = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return f"{proxy.scheme}://{before}{host}:{proxy.port}"
