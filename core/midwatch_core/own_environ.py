"""The way of Midwatch's own requests for libraries that ask the environment for theirs: in a process of their own.

Such a library (a hub's, one for a hundred services) takes `HTTPS_PROXY`, which on a machine under watch names Midwatch
itself. It is given a process that is told over a pipe where to go, for arguments and environments are read by others:
`led_by` says it, and there `led` holds while the library is at work.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from midwatch_core.model.content import Json
from midwatch_core.own_requests import trusted_file, way_through
from midwatch_core.public_cas import public_bundle
from midwatch_core.upstream_settings import UpstreamSettings

_ENDING = "_proxy"
_LOOPBACK = ("localhost", "127.0.0.0/8", "127.0.0.1", "::1")
# What requests (and with it most libraries), httpx and OpenSSL read a bundle from.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def led_by(settings: Mapping[str, object]) -> dict[str, Json]:
    """What a process is told, by a house's settings; with the proxy's password: for a pipe, never for showing.

    Ranges of IPv6 addresses are left out of `direct`: of the libraries none knows such, and one fails of them. Raises
    ConfigError for a proxy that is none, or whose password is missing.
    """
    upstream = settings.get("upstream")
    direct = upstream.direct if isinstance(upstream, UpstreamSettings) else ()
    ca_file = trusted_file(settings)
    return {
        "proxy": way_through(settings),
        "direct": [*_LOOPBACK, *(text.removeprefix("*") for text in direct if not (":" in text and "/" in text))],
        "ca_file": None if ca_file is None else str(ca_file.expanduser()),
    }


@contextmanager
def led(told: Mapping[str, Json]) -> Iterator[None]:
    """This process' environment as `led_by` told, and as it was afterwards. For a process that does nothing else.

    Raises OSError where the file of further CAs can't be read.
    """
    before = dict(os.environ)
    bundle = _bundle(told.get("ca_file"))
    try:
        for name in [name for name in os.environ if name.lower().endswith(_ENDING)]:
            del os.environ[name]
        os.environ.update(_variables(told))
        os.environ.update(dict.fromkeys(_BUNDLES, str(bundle)) if bundle is not None else {})
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if bundle is not None:
            bundle.unlink(missing_ok=True)


def _variables(told: Mapping[str, Json]) -> dict[str, str]:
    """In both cases, for some read one and some the other; never HTTP_PROXY, by which secrets would be read."""
    proxy, direct = told.get("proxy"), told.get("direct")
    hosts = [str(host) for host in direct] if isinstance(direct, list) else []
    # Said also where there is no proxy: macOS and Windows are else asked for theirs.
    values = {"no_proxy": ",".join(hosts) if proxy else "*"}
    if proxy:
        values["https_proxy"] = str(proxy)
    return values | {name.upper(): value for name, value in values.items()}


def _bundle(ca_file: Json) -> Path | None:
    """A file of the public CAs and those of `ca_file`, to be removed by whoever asked for it; None without one."""
    if not isinstance(ca_file, str):
        return None
    public = public_bundle()
    pem = b"\n".join((public.read_bytes() if public else b"", Path(ca_file).read_bytes(), b""))
    with tempfile.NamedTemporaryFile(prefix="midwatch-ca-", suffix=".pem", delete=False) as file:
        file.write(pem)
    return Path(file.name)
