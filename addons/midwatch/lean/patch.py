"""A patch of mitmproxy's private code: applied only where that code is exactly what the patch was tested against."""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mitmproxy import version

TESTED_VERSIONS = frozenset({"12.2.3"})
"""Releases of mitmproxy that the patches were measured and tested with."""

logger = logging.getLogger(__name__)

_stock: dict[tuple[type, str], object] = {}
"""What is replaced right now, so that a guard looks at stock code although another patch stands in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Stock code that a patch copies or relies on: `owner.name`, and the digest of its source."""

    owner: type
    name: str
    digest: str

    def objection(self) -> str | None:
        """Why the stock code is not what was tested, or None."""
        label = f"{self.owner.__module__}.{self.owner.__qualname__}.{self.name}"
        function = _stock.get((self.owner, self.name)) or self.owner.__dict__.get(self.name)
        if function is None:
            return f"{label} does not exist"
        try:
            found = digest_of(function)
        except OSError:
            return f"the source of {label} cannot be read"
        return None if found == self.digest else f"{label} has changed (digest {found})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """`owner.name` becomes `new`; where `owner` only inherits the name, it is shadowed and later unshadowed."""

    owner: type
    name: str
    new: Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One gain, and everything it changes. It is applied whole or not at all."""

    name: str
    changes: str
    replacements: tuple[Replacement, ...]
    guards: tuple[Guard, ...]

    def objection(self, running_version: str) -> str | None:
        """Why this patch must not be applied to this mitmproxy, or None."""
        if running_version not in TESTED_VERSIONS:
            return f"mitmproxy {running_version} is not among the tested {', '.join(sorted(TESTED_VERSIONS))}"
        return next((reason for guard in self.guards if (reason := guard.objection())), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchReport:
    """What became of one patch: applied, or the reason why stock code stays."""

    name: str
    applied: bool
    reason: str = ""


class PatchSet:
    """Patches that are applied and reverted together. They are process-wide while they are applied."""

    def __init__(self, patches: Iterable[Patch]) -> None:
        self.patches = tuple(patches)
        self.reports: tuple[PatchReport, ...] = ()
        self._undo: list[tuple[type, str, object | None]] = []

    def apply(self, running_version: str = version.VERSION) -> tuple[PatchReport, ...]:
        """Apply each patch whose guard agrees; log each other one once. Applying twice is one application."""
        if not self.reports:
            self.reports = tuple(self._apply(patch, running_version) for patch in self.patches)
        return self.reports

    def _apply(self, patch: Patch, running_version: str) -> PatchReport:
        if all(item.owner.__dict__.get(item.name) is item.new for item in patch.replacements):
            return PatchReport(name=patch.name, applied=True, reason="already applied in this process")
        if reason := patch.objection(running_version):
            logger.warning("Patch %s is not applied, stock code stays: %s", patch.name, reason)
            return PatchReport(name=patch.name, applied=False, reason=reason)
        for item in patch.replacements:
            stock = item.owner.__dict__.get(item.name)
            self._undo.append((item.owner, item.name, stock))
            _stock[item.owner, item.name] = stock
            setattr(item.owner, item.name, item.new)
        return PatchReport(name=patch.name, applied=True)

    def revert(self) -> None:
        """Put stock code back. Patches that another set had applied before stay."""
        while self._undo:
            owner, name, stock = self._undo.pop()
            _stock.pop((owner, name), None)
            if stock is None:
                delattr(owner, name)
            else:
                setattr(owner, name, stock)
        self.reports = ()


def digest_of(function: object) -> str:
    """The first 16 hex digits of the SHA-256 of a function's source text."""
    source = inspect.getsource(function)  # type: ignore[arg-type]  # any function-like object has a source
    return hashlib.sha256(source.encode()).hexdigest()[:16]
