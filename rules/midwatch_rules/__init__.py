"""YAML rule packs, providers catalogue and policies of Midwatch: a plugin without code."""

from importlib.resources import files

from midwatch_core import Resource, ResourceKind, hookimpl


@hookimpl
def resources() -> list[Resource]:
    """The catalogue of providers that comes with Midwatch."""
    return [Resource(kind=ResourceKind.CATALOGUE, name="providers", path=files(__name__) / "providers.yaml")]
