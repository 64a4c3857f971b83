"""YAML rule packs, providers catalogue and policies of Midwatch: a plugin without code."""

from collections.abc import Iterator
from importlib.resources import files

from midwatch_core import Resource, ResourceKind, hookimpl

_PACK_SUFFIX = ".rules.yaml"


@hookimpl
def resources() -> list[Resource]:
    """The catalogue of providers and the rule packs that come with Midwatch."""
    catalogue = Resource(kind=ResourceKind.CATALOGUE, name="providers", path=files(__name__) / "providers.yaml")
    return [catalogue, *_packs()]


def _packs() -> Iterator[Resource]:
    for path in sorted((files(__name__) / "packs").iterdir(), key=lambda file: file.name):
        if path.name.endswith(_PACK_SUFFIX):
            yield Resource(kind=ResourceKind.RULES, name=path.name, path=path)
