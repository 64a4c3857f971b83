"""YAML rule packs, providers catalogue and policies of Midwatch: a plugin without code."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from midwatch_core import Resource, ResourceKind, hookimpl

_PACK_SUFFIX = ".rules.yaml"
_POLICY_SUFFIX = ".policy.yaml"


@hookimpl
def resources() -> list[Resource]:
    """The catalogue of providers and other AI hosts, the rule packs and the policies that come with Midwatch."""
    return [_catalogue("providers"), _catalogue("ai_hosts"), *_packs(), *_policies()]


def _catalogue(name: str) -> Resource:
    return Resource(kind=ResourceKind.CATALOGUE, name=name, path=files(__name__) / f"{name}.yaml")


def _packs() -> Iterator[Resource]:
    for path in _files("packs", _PACK_SUFFIX):
        yield Resource(kind=ResourceKind.RULES, name=path.name, path=path, timed=True)


def _policies() -> Iterator[Resource]:
    """A shipped policy's name is what the setting `policy` says."""
    for path in _files("policies", _POLICY_SUFFIX):
        yield Resource(kind=ResourceKind.POLICY, name=path.name.removesuffix(_POLICY_SUFFIX), path=path)


def _files(folder: str, suffix: str) -> list[Traversable]:
    found = (path for path in (files(__name__) / folder).iterdir() if path.name.endswith(suffix))
    return sorted(found, key=lambda path: path.name)
