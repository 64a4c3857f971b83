"""Where a model's files are: a directory, data of an installed package, or the local copy of a hub's model."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from midwatch_core import led
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.wish import Wish
from midwatch_ml.settings import PACKAGE

# What is fetched of a hub besides weights: no code.
_FETCHED = ("*.json", "*.txt", "*.model")


def folder_of(wish: Wish, fetched: Sequence[str] = ()) -> tuple[Path, str]:
    """The folder, and its revision for people; `fetched` are patterns of the weights. Raises ModelError."""
    if wish.source.startswith(PACKAGE):
        return _of_package(wish)
    folder = Path(wish.source)
    if folder.is_absolute():
        if not folder.is_dir():
            raise refused(wish.id, f"source: there is no directory {folder}")
        return folder, wish.revision or ""
    return _of_hub(wish, fetched), wish.revision or ""


def _of_package(wish: Wish) -> tuple[Path, str]:
    """Found by the import system, which looks at no code of a package that has no dots in its name."""
    name, _, inside = wish.source.removeprefix(PACKAGE).partition("/")
    found = importlib.util.find_spec(name)
    roots = found.submodule_search_locations if found is not None else None
    if not roots:
        raise refused(wish.id, f"source: the package {name} is not installed: pip install 'midwatch[ml]' brings it")
    root = Path(next(iter(roots))).resolve()
    folder = (root / inside).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise refused(wish.id, f"source: the package {name} has no folder {inside}; is it another version?")
    return folder, _version_of(name)


def _version_of(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def _of_hub(wish: Wish, fetched: Sequence[str]) -> Path:
    """The local copy, fetched where there is none. Source: https://huggingface.co/docs/huggingface_hub/guides/download."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise refused(
            wish.id,
            f"source: {wish.source} is of a hub, which takes huggingface_hub: pip install 'midwatch[transformers]';"
            " or name a directory, which begins with / or ./",
        ) from error
    asked = {"repo_id": wish.source, "revision": wish.revision, "allow_patterns": [*_FETCHED, *fetched]}
    try:
        with led(wish.way):  # also for a look into the cache: the library keeps the client that it makes first
            try:
                return Path(snapshot_download(**asked, local_files_only=True))
            except (OSError, ValueError):
                return Path(snapshot_download(**asked))
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise refused(
            wish.id,
            f"source: {wish.source} at {wish.revision} is not in the local cache and was not to be had of the hub"
            f" ({reason}): bring it there, or name a directory, which begins with / or ./",
        ) from error
