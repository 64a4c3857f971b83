"""Stores of systems, and the commands that put our CA there and take it away.

Debian, Ubuntu: update-ca-certificates(8). Alpine: update-ca.c of https://github.com/alpinelinux/ca-certificates, which
clears what is gone by itself. SUSE: https://github.com/openSUSE/ca-certificates. Fedora, RHEL, Arch: update-ca-trust(8)
and https://docs.redhat.com/en/documentation/red_hat_enterprise_linux/10/html/securing_networks/using-shared-system-certificates.
macOS: security(1). Windows: https://learn.microsoft.com/windows-server/administration/windows-commands/certutil
"""

import re
from collections.abc import Callable
from pathlib import Path

from midwatch.trust.steps import Anchor, Files, Step, Way

_LOCAL = Path("/usr/local/share/ca-certificates")
_FEDORA = Path("/etc/pki/ca-trust/source/anchors")
_SUSE = Path("/etc/pki/trust/anchors")
_ARCH = Path("/etc/ca-certificates/trust-source/anchors")
_KEYCHAIN = "/Library/Keychains/System.keychain"
_ID = re.compile(r'^(?:ID|ID_LIKE)="?([^"\n]*)"?$', re.MULTILINE)


def systems(files: Files) -> tuple[Way, ...]:
    """All that are known."""
    return tuple(make(files.anchors) for make in (_debian, _fedora, _alpine, _suse, _arch, _macos, _windows))


def name_of_system(platform: str, os_release: str) -> str | None:
    """Which of them this is, by `sys.platform` and the text of /etc/os-release; None for another."""
    if platform in ("darwin", "win32"):
        return {"darwin": "macos", "win32": "windows"}[platform]
    told = set(" ".join(_ID.findall(os_release)).split())
    kinds: dict[str, set[str]] = {
        "debian": {"debian", "ubuntu"},
        "fedora": {"fedora", "rhel", "centos", "azurelinux"},
        "alpine": {"alpine"},
        "suse": {"suse", "opensuse", "sles"},
        "arch": {"arch"},
    }
    return next((name for name, ids in kinds.items() if ids & told), None)


def _debian(anchors: tuple[Anchor, ...]) -> Way:
    # --fresh: without it links to what is gone stay until something else changes.
    return _folder("debian", "Debian, Ubuntu", _LOCAL, anchors, ("update-ca-certificates",), "--fresh")


def _alpine(anchors: tuple[Anchor, ...]) -> Way:
    return _folder("alpine", "Alpine", _LOCAL, anchors, ("update-ca-certificates",))


def _fedora(anchors: tuple[Anchor, ...]) -> Way:
    return _folder("fedora", "Fedora, RHEL", _FEDORA, anchors, ("update-ca-trust", "extract"))


def _suse(anchors: tuple[Anchor, ...]) -> Way:
    return _folder("suse", "openSUSE, SLES", _SUSE, anchors, ("update-ca-certificates",))


def _arch(anchors: tuple[Anchor, ...]) -> Way:
    return _folder("arch", "Arch", _ARCH, anchors, ("update-ca-trust",))


def _folder(
    name: str, title: str, folder: Path, anchors: tuple[Anchor, ...], update: tuple[str, ...], *afresh: str
) -> Way:
    """A folder of files and a program that makes the store of them. What was retired goes when others come."""
    clear = Step(("find", str(folder), "-name", "midwatch-*.crt", "-delete"), root=True)
    copy = Step(("install", "-m", "644", *(str(item.file) for item in anchors), str(folder)), root=True)
    adding = (clear, copy, Step(update, root=True))
    return Way(name=name, title=title, adding=adding, removing=(clear, Step((*update, *afresh), root=True)))


def _macos(anchors: tuple[Anchor, ...]) -> Way:
    trust = ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", _KEYCHAIN)
    return _each(
        "macos",
        "macOS",
        anchors,
        lambda item: (Step((*trust, str(item.file)), root=True),),
        lambda item: (
            Step(("security", "remove-trusted-cert", "-d", str(item.file)), root=True),
            Step(("security", "delete-certificate", "-Z", item.sha1, _KEYCHAIN), root=True),
        ),
        says="macOS asks for an administrator's password in a window, root or not",
    )


def _windows(anchors: tuple[Anchor, ...]) -> Way:
    return _each(
        "windows",
        "Windows",
        anchors,
        lambda item: (Step(("certutil", "-addstore", "-f", "Root", str(item.file)), windows=True),),
        lambda item: (Step(("certutil", "-delstore", "Root", item.sha1), windows=True),),
        says="in a console that was opened as administrator",
    )


def _each(
    name: str,
    title: str,
    anchors: tuple[Anchor, ...],
    adding: Callable[[Anchor], tuple[Step, ...]],
    removing: Callable[[Anchor], tuple[Step, ...]],
    says: str = "",
) -> Way:
    return Way(
        name=name,
        title=title,
        adding=tuple(step for item in anchors for step in adding(item)),
        removing=tuple(step for item in anchors for step in removing(item)),
        says=says,
    )
