"""`python -m tests.docker.rehearsal`: the image without a container engine, as far as that goes.

Every step of docker/Dockerfile is carried out in order, with what `--build-arg NAME=VALUE` says, over a throw-away copy
of this machine's root; then what came of it runs read-only, as the image's user, without capabilities, in a network of
its own. Its health command must answer, a call must pass and be on record, and the stop signal must end it in order.

What this does not show: the base image itself (this machine stands in for it), layers and their sizes, registries,
Docker's own seccomp profile, other architectures.
"""

import argparse
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.docker.rehearsal.container import Container
from tests.docker.rehearsal.context import Context
from tests.docker.rehearsal.dockerfile import stages
from tests.docker.rehearsal.stage import Stage, mount

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
_DEADLINE_S = 90.0


@contextmanager
def throw_away() -> Iterator[Path]:
    """A folder in memory. Nothing in it is ever deleted file by file: this machine's own folders are mounted there."""
    folder = Path(tempfile.mkdtemp(prefix="midwatch-rehearsal-"))
    mount("-t", "tmpfs", "-o", "size=3g", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(folder)], check=True)
        folder.rmdir()


def built(folder: Path, given: Mapping[str, str]) -> dict[str, Stage]:
    """All stages, carried out; `given` stands in for what arguments have of themselves."""
    context = Context(ROOT, (ROOT / "docker" / "Dockerfile.dockerignore").read_text())
    done: dict[str, Stage] = {}
    for steps in stages(DOCKERFILE.read_text()):
        began_s = time.monotonic()
        print(f"stage {steps.name}, from {steps.base}", flush=True)
        done[steps.name] = Stage(steps, folder, over=done.get(steps.base), empty=steps.base == "scratch", given=given)
        done[steps.name].run(context, done)
        print(f"  done in {time.monotonic() - began_s:.0f} s", flush=True)
    return done


def until(look: Callable[[], bool], what: str) -> None:
    """Wait until it is so."""
    end = time.monotonic() + _DEADLINE_S
    while not look():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.2)


def own_network() -> None:
    """A network namespace with loopback alone: the image's ports are free there, and nothing is reached from there."""
    os.unshare(os.CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def simulated(container: Container) -> dict[str, str]:
    """Simulated providers in the same image, beside; the settings that lead to them."""
    words = ("python", "-m", "midwatch.simulated", "--folder", "/tmp/simulated", "--no-http2")
    process = container.start(*words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    place = {"api.openai.com": f"127.0.0.1:{said['tls_port']}"}
    return {"MIDWATCH_CONNECT_TO": json.dumps(place), "MIDWATCH_UPSTREAM_CA": said["ca_file"]}


def exported(container: Container) -> Path:
    """What an application beside it trusts, as docker/sidecar has it written into a volume they share."""
    container.run(*container.stage.entrypoint, "ca", "export", "--format", "bundle", "/trust/ca.pem")
    bundle = container.volumes["/trust"] / "ca.pem"
    assert bundle.stat().st_mode & 0o004, "the application's user can't read the bundle"
    return bundle


def started(container: Container, environ: dict[str, str]) -> subprocess.Popen[str]:
    """The container's own command, when all that asks for its health is content."""
    stage = container.stage
    process = container.start(*stage.entrypoint, *stage.command, environ=environ)
    probes = [["midwatch-probe", *words] for words in (("console", "/readyz"), ("console", "/startupz"), ("proxy",))]
    for probe in (stage.health, *probes):
        until(partial(succeeds, container, probe), " ".join(probe))
    return process


def succeeds(container: Container, command: list[str]) -> bool:
    """Whether a command in it ends well."""
    return container.run(*command, check=False).returncode == 0


def called(container: Container, bundle: Path) -> None:
    """A key is made, a call made with it passes and is on record, and `doctor` finds nothing wrong."""
    midwatch = container.stage.entrypoint
    made = container.run(*midwatch, "keys", "create", "--tenant", "default", "--role", "client", "--json").stdout
    print(f"  a call: {call(json.loads(made)['key'], bundle)[:60]!r}…", flush=True)
    until(lambda: "gpt-4o-mini" in container.run(*midwatch, "traces", "--json").stdout, "the call on record")
    looked = container.run(*midwatch, "doctor", "--json", check=False).stdout
    assert not [line for line in map(json.loads, looked.splitlines()) if line["ok"] is False], looked


def call(key: str, bundle: Path) -> str:
    """A call through the proxy, with a key; the model's answer."""
    proxy = urllib.request.ProxyHandler({"https": f"http://rehearsal:{key}@127.0.0.1:8080"})
    https = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(bundle)))
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Is the image sound?"}]}
    request = urllib.request.Request(
        "https://api.openai.com/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": "Bearer none"},
    )
    with urllib.request.build_opener(proxy, https).open(request, timeout=60) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def lived(container: Container) -> None:
    """The container's life: started, healthy, a call, a stop in order."""
    stage = container.stage
    assert container.run("touch", "/opt/midwatch/written", check=False).returncode, "the root is not read-only"
    print("  " + container.run(*stage.entrypoint, "--version").stdout.strip(), flush=True)
    bundle = exported(container)
    process = started(container, simulated(container))
    called(container, bundle)
    process.send_signal(getattr(signal, stage.stop_signal))
    assert process.wait(_DEADLINE_S) == 0, f"{stage.stop_signal}: exit code {process.returncode}"
    owner = container.volumes["/var/lib/midwatch"].stat()
    assert (owner.st_uid, owner.st_mode & 0o777) == (10001, 0o700), "the home is not private to the image's user"


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.docker.rehearsal")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    given = dict(item.split("=", 1) for item in parser.parse_args(words).build_arg)
    if os.geteuid() != 0 or sys.platform != "linux":
        print("root: the rehearsal mounts, and is left out", file=sys.stderr)
        return 1
    os.unshare(os.CLONE_NEWNS)
    mount("--make-rprivate", "/")
    began_s = time.monotonic()
    with throw_away() as folder:
        done = built(folder, given)
        bill = json.loads((done["sbom"].root / "sbom.cdx.json").read_text())
        print(f"  the SBOM names {len(bill['components'])} components", flush=True)
        own_network()
        with Container(done["midwatch"], folder, also=("/trust",)) as container:
            lived(container)
    print(f"the image's steps hold, and it runs: {time.monotonic() - began_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
