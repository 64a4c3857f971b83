"""Runtimes that have trust of their own, and how each is told: by a variable mostly, by a command where it has a list.

What a runtime calls its variable is as in `midwatch.clients`. Some add what is named to their own list and get our
roots alone; others take it instead, and get the public CAs beside them.
"""

import shlex
from collections.abc import Sequence

from midwatch.trust.java_store import java_steps
from midwatch.trust.steps import Files, Step, Way

_GIT = ("git", "config", "--global")
_GIT_HAS_NONE = 5


def runtimes(files: Files, in_java: Sequence[str] | None = None) -> tuple[Way, ...]:
    """All that are known. `in_java` are our aliases in this machine's Java (see `java_store.present`), if known."""
    ours = [item.name for item in files.anchors] if in_java is None else in_java
    roots, all_cas = str(files.certificate), str(files.bundle)
    java = Way(
        name="java",
        title="Java",
        adding=java_steps(files.anchors, in_java or ()),
        removing=java_steps((), ours),
    )
    git = Way(
        name="git",
        title="git",
        adding=(Step((*_GIT, "http.sslCAInfo", all_cas)),),
        # What somebody has set there since then, or had before us, is theirs.
        removing=(Step((*_GIT, "--fixed-value", "--unset", "http.sslCAInfo", all_cas), fine=(0, _GIT_HAS_NONE)),),
        says="in place of a list of your own, if you have set one there",
    )
    return (
        _told("curl", "curl", {"CURL_CA_BUNDLE": all_cas}, f"or for one call: curl --cacert {shlex.quote(roots)}"),
        _told("python", "Python (ssl, httpx, openai)", {"SSL_CERT_FILE": all_cas}),
        _told("requests", "Python (requests)", {"REQUESTS_CA_BUNDLE": all_cas}),
        _told("pip", "pip", {"PIP_CERT": all_cas}),
        _told("node", "Node.js", {"NODE_EXTRA_CA_CERTS": roots}, "NODE_USE_ENV_PROXY=1 has it heed HTTPS_PROXY"),
        _told("bun", "Bun", {"NODE_EXTRA_CA_CERTS": roots}),
        _told("deno", "Deno", {"DENO_CERT": roots}),
        _told("go", "Go", {"SSL_CERT_FILE": all_cas}, "on Linux; elsewhere it takes the system's"),
        _told("dotnet", ".NET", {"SSL_CERT_FILE": all_cas}, "on Linux; elsewhere it takes the system's"),
        java,
        git,
        _told("aws", "AWS (boto3, aws)", {"AWS_CA_BUNDLE": all_cas}),
        _told("grpc", "gRPC", {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": all_cas}),
        Way(name="docker", title="Docker", variables=_IN_CONTAINER, example=_mount(files)),
    )


_IN_CONTAINER = {
    "SSL_CERT_FILE": "/midwatch/bundle.pem",
    "REQUESTS_CA_BUNDLE": "/midwatch/bundle.pem",
    "NODE_EXTRA_CA_CERTS": "/midwatch/ca.pem",
}


def _mount(files: Files) -> str:
    mounts = (f"{files.certificate}:/midwatch/ca.pem:ro", f"{files.bundle}:/midwatch/bundle.pem:ro")
    told = [word for mount in mounts for word in ("-v", mount)]
    told += [word for name, value in _IN_CONTAINER.items() for word in ("-e", f"{name}={value}")]
    return f"docker run {shlex.join(told)} …"


def _told(name: str, title: str, variables: dict[str, str], says: str = "") -> Way:
    return Way(name=name, title=title, variables=variables, says=says)
