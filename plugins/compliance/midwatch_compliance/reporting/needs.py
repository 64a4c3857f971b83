"""What a format needs beside what every installation has."""

from collections.abc import Mapping
from importlib.util import find_spec

PDF = "uv pip install 'midwatch[pdf]'"


def needs() -> Mapping[str, str]:
    """What must be installed yet, by format. The package is looked for and not imported: that takes a second."""
    return {} if find_spec("weasyprint") else {"pdf": PDF}
