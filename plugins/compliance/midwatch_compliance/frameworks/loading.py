"""Reading mappings: those that come along, and those in the home's folder. Any mistake is a ConfigError."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml
from pydantic import ValidationError

from midwatch_compliance.frameworks.model import Framework
from midwatch_core import ConfigError

FOLDER = "frameworks"
# Mappings of a home; and how large one may be: they are written by hand.
_MOST = 50
_MAX_BYTES = 1024 * 1024


def shipped() -> dict[str, Framework]:
    """The mappings that come along, by id."""
    folder = files("midwatch_compliance.frameworks") / "shipped"
    texts = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    return {framework.id: framework for framework in map(read_framework, texts)}


def of_home(home: Path) -> dict[str, Framework]:
    """Those in `frameworks/*.yaml` of a home, by id. Raises ConfigError."""
    found = sorted((home / FOLDER).glob("*.yaml"))
    if len(found) > _MOST:
        raise ConfigError(f"{home / FOLDER}: more than {_MOST} files")
    frameworks: dict[str, Framework] = {}
    for file in found:
        framework = read_framework(file)
        if framework.id in frameworks:
            raise ConfigError(f"{file}: another file of this folder has the id {framework.id!r}")
        frameworks[framework.id] = framework
    return frameworks


def read_framework(file: Traversable | Path) -> Framework:
    """A mapping. Raises ConfigError: one line that names file, place and what is wrong."""
    try:
        data = file.read_bytes()
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{file}: larger than {_MAX_BYTES:,} bytes")
        document = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
        return Framework.model_validate(document)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: not YAML: {' '.join(str(error).split())[:300]}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{file}: {place}: {first['msg']}") from error
