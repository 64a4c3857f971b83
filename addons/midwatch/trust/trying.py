"""Whether somebody here trusts a CA: a server on loopback shows a leaf of it, and each runtime that is here calls it.

Nothing is looked up in anybody's files: what a program really does counts, with its variables and lists as they are.
"""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from midwatch_core.public_cas import system_bundle

# A host that is decrypted: a CA that may sign for some names alone must be good for it.
HOST = "api.openai.com"
_EACH_S = 20.0
_NODE = (
    "const s=require('tls').connect({host:'127.0.0.1',port:+process.argv[1],servername:process.argv[2]},"
    "()=>{s.destroy()});s.on('error',e=>{console.error(e.code||e.message);process.exit(1)})"
)
# A second less to its first line.
_JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
# By what OpenSSL is told its store, which is then the system's no more.
_STORE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of it. `trusts` None: it could not be tried, and `why` says so; `why` is its own word for a no."""

    who: str
    trusts: bool | None
    why: str = ""


def tries(environ: Mapping[str, str]) -> dict[str, Callable[[int], Tried]]:
    """Each runtime of this machine, by its name, as what calls a port; those that are absent are left out.

    `environ` is the caller's environment.
    """
    found: dict[str, Callable[[int], Tried]] = {"Python": _python}
    if (bundle := system_bundle()) is not None:
        who = f"the system ({bundle})"
        found[who] = lambda port: _python(port, who=who, cafile=bundle)
    if shutil.which("openssl"):
        clean = {key: value for key, value in environ.items() if key not in _STORE_VARIABLES}
        found["the system (openssl)"] = lambda port: _run("the system (openssl)", _openssl(port), clean)
    if shutil.which("curl"):
        found["curl"] = lambda port: _run("curl", _curl(port), environ)
    if shutil.which("node"):
        found["Node.js"] = lambda port: _run("Node.js", ("node", "-e", _NODE, str(port), HOST), environ)
    if shutil.which("java"):
        found["Java"] = lambda port: _java(port, environ)
    return found


def _python(port: int, *, who: str = "Python", cafile: Path | None = None) -> Tried:
    """The ssl of this interpreter, as httpx and the SDKs use it where they are told to (`SSL_CERT_FILE`).

    With `cafile` that alone: the file that the system's own command makes, which others read (Go, curl, Ruby, PHP).
    """
    try:
        context = ssl.create_default_context(cafile=cafile)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=_EACH_S) as sock,
            context.wrap_socket(sock, server_hostname=HOST),
        ):
            return Tried(who=who, trusts=True)
    except ssl.SSLCertVerificationError as error:
        return Tried(who=who, trusts=False, why=error.verify_message)
    except OSError as error:
        return Tried(who=who, trusts=None, why=str(error))


def _openssl(port: int) -> tuple[str, ...]:
    name = ("-servername", HOST, "-verify_hostname", HOST)
    return ("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *name, "-verify_return_error", "-brief")


def _curl(port: int) -> tuple[str, ...]:
    where = ("--resolve", f"{HOST}:{port}:127.0.0.1", "--noproxy", "*")
    return ("curl", "--silent", "--show-error", "--output", "/dev/null", *where, f"https://{HOST}:{port}/")


def _java(port: int, environ: Mapping[str, str]) -> Tried:
    """By a program in source, which a JDK runs as it is (JEP 330); a runtime without a compiler can't be tried."""
    with resources.as_file(resources.files("midwatch.trust").joinpath("Handshake.java")) as source:
        done = _run("Java", ("java", *_JAVA, str(source), str(port), HOST), environ)
    if done.trusts is False and "refused: " not in done.why:
        return Tried(who="Java", trusts=None, why=f"could not be tried: {done.why}")
    return Tried(who="Java", trusts=done.trusts, why=done.why.partition("refused: ")[2] or done.why)


def _run(who: str, words: tuple[str, ...], environ: Mapping[str, str]) -> Tried:
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_EACH_S, check=False, env=dict(environ)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Tried(who=who, trusts=None, why=f"could not be tried: {error}")
    if done.returncode == 0:
        return Tried(who=who, trusts=True)
    return Tried(who=who, trusts=False, why=_last_line(done.stderr))


def _last_line(told: bytes) -> str:
    lines = [line.strip() for line in told.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "refused: " in line]
    return (telling or lines or ["it did not say why"])[0][:200]
