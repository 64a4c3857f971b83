"""mitmproxy's options for a worker, by their names there."""

from midwatch.home import Home
from midwatch_core.config import split_address


def mitmproxy_options(
    home: Home, *, upstream_ca: bool, client_ca: bool, modes: tuple[str, ...], listen: str, max_bytes: int
) -> dict[str, object]:
    """mitmproxy's options for the suite, by their names there."""
    host, port = split_address(listen)
    options: dict[str, object] = {
        "confdir": str(home.ca),
        "mode": list(modes),
        "listen_host": host,
        "listen_port": port,
        # A request beyond this streams on unread, also one whose length shows only as it comes.
        "stream_large_bodies": str(max_bytes),
    }
    if client_ca:
        options["request_client_cert"] = True
    if upstream_ca:
        options["ssl_verify_upstream_trusted_ca"] = str(home.upstream_bundle)
    return options
