"""What a client must be told to go through the proxy and trust its CA, for each runtime that reads variables."""

from collections.abc import Mapping
from pathlib import Path


def client_environment(
    environ: Mapping[str, str], *, proxy_url: str, bundle: Path, ca: Path, java_store: Path | None = None
) -> dict[str, str]:
    """`environ` with the variables that curl, Python, Node, Bun, Deno, Go, Java, git, AWS SDKs and gRPC read.

    `bundle` is a PEM file of all CAs that clients are to trust, `java_store` the same as PKCS #12; `ca` is ours alone.
    Settings of ours stay here: they may hold secrets, and the command has no use for them.
    """
    changed = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        changed[name] = changed[name.lower()] = proxy_url
    for name in ("NO_PROXY", "no_proxy"):
        changed[name] = ""  # what should not be read is passed through undecrypted, so nothing needs to go round
    for name in _BUNDLE_VARIABLES:
        changed[name] = str(bundle)
    # Node adds to its own list, so it gets our CA alone; its fetch heeds proxy variables only when told to.
    changed["NODE_EXTRA_CA_CERTS"] = str(ca)
    changed["NODE_USE_ENV_PROXY"] = "1"
    changed["DENO_TLS_CA_STORE"] = "system,mozilla"
    changed["JAVA_TOOL_OPTIONS"] = _java(changed.get("JAVA_TOOL_OPTIONS", ""), proxy_url, java_store)
    return changed


_OURS = ("MIDWATCH_STORAGE", "MIDWATCH_ACCESS", "MIDWATCH_KEY")
_BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL: Python's ssl and httpx, Go on Linux, Ruby, Deno's rustls
    "REQUESTS_CA_BUNDLE",  # requests
    "CURL_CA_BUNDLE",  # curl
    "GIT_SSL_CAINFO",  # git
    "AWS_CA_BUNDLE",  # boto3 and the AWS command line
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",  # gRPC
    "DENO_CERT",  # Deno
    "CARGO_HTTP_CAINFO",  # cargo
    "PIP_CERT",  # pip
)


def _java(options: str, proxy_url: str, store: Path | None) -> str:
    """Java takes proxy and trust as properties, and its trust from no PEM file."""
    host, _, port = proxy_url.rpartition("@")[2].removeprefix("http://").rpartition(":")
    ours = [f"-D{scheme}.proxyHost={host} -D{scheme}.proxyPort={port}" for scheme in ("http", "https")]
    trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12"] if store else []
    return " ".join([options, *ours, "-Dhttp.nonProxyHosts=", *trust]).strip()
