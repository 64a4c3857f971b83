"""`ca`: where the CA's certificate is, and how to have it trusted; and what the other commands of it begin with."""

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

import orjson

from midwatch.cli.printing import print_json
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.trust import ensure_ca, write_client_bundle
from midwatch.trust.steps import Files, Way
from midwatch_core.config import merged_sources
from midwatch_core.errors import ConfigError
from midwatch_core.inventory_settings import TlsSettings


def explain_ca(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print the certificate's place and the commands; made first if there is none."""
    from midwatch.trust.runtimes import runtimes
    from midwatch.trust.systems import systems

    files = files_of(home, given_in(home, config_file))
    ways = {way.title: told_in_a_line(way) for way in (*systems(files), *runtimes(files))}
    if as_json:
        print_json([{"certificate": str(files.certificate), "bundle": str(files.bundle), "trust": ways}])
        return 0
    print(f"The CA's certificate: {files.certificate}")
    print(f"The same beside the public CAs, for who wants them in one file: {files.bundle}\n")
    for title, line in ways.items():
        print(f"{title:>27}  {line}")
    print("\nNothing needs to be trusted system-wide for: uv run run.py exec -- COMMAND …")
    return 0


def told_in_a_line(way: Way) -> str:
    """How somebody is told, for people who know their shell."""
    if way.example:
        return way.example
    told = " && ".join(step.shown() for step in way.adding) or " ".join(
        f"{key}={shlex.quote(value)}" for key, value in way.variables.items()
    )
    return f"{told}   ({way.says})" if way.says else told


def given_in(home: Home, config_file: Path | None) -> Sequence[Path]:
    """`tls.ca` as it is configured, without a look at the rest; as a house that runs has it. Raises ConfigError."""
    if (running := _of_running(home)) is not None:
        return running
    file = config_file or (home.config_file if home.config_file.exists() else None)
    section = merged_sources(file=file, flags={}).get("tls") or {}
    try:
        return TlsSettings.model_validate({"ca": section.get("ca", ())}).ca
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"tls.ca: expected PEM files: {' '.join(str(error).split())}") from error


def _of_running(home: Home) -> Sequence[Path] | None:
    """What runs may have been started with another file; it must not lose its CA to a command that does not know it."""
    try:
        asyncio.run(LineClient(home.control_socket).ask({"op": "status"}, timeout_s=5.0))
        document = orjson.loads(home.snapshot.read_bytes())
        return [Path(file) for file in document["config"]["tls"]["ca"]]
    except (ControlAbsentError, OSError, ValueError, KeyError, TypeError):
        return None


def files_of(home: Home, given: Sequence[Path]) -> Files:
    """What there is to give to clients, written anew; the CA is made first if there is none. Raises ConfigError."""
    from cryptography.hazmat.primitives import hashes

    from midwatch.trust.authority import id_of
    from midwatch.trust.publishing import apart
    from midwatch.trust.steps import Anchor

    home.prepare()
    ensure_ca(home, given)
    anchors = [
        Anchor(
            id=id_of(item),
            file=file,
            sha1=item.fingerprint(hashes.SHA1()).hex(),  # noqa: S303  # a name there, and no proof
        )
        for file, item in apart(home).items()
    ]
    return Files(certificate=home.ca_certificate, bundle=write_client_bundle(home), anchors=tuple(anchors))
