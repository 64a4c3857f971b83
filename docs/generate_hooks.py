"""The page of all hooks, from the plugin contract's own words."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from midwatch_core import hookspecs


def hooks() -> str:
    """Every hook: its arguments, what it is for, an example."""
    lines = [
        "# Hooks",
        "",
        "What a plugin may implement. [Write a plugin](plugins.md) walks through one. Take only the arguments that you",
        "need. A hook that raises is counted and named, and the others still run. This page is made from the code.",
    ]
    for name, hook in _specified():
        lines += ["", f"## {name}", "", f"    {_signature(hook)}", "", *_told(inspect.getdoc(hook) or "")]
    return "\n".join(lines) + "\n"


def _specified() -> Iterator[tuple[str, Callable[..., Any]]]:
    """In the order of the contract, which is that of a call's walk."""
    for name, value in vars(hookspecs).items():
        if inspect.isfunction(value) and hasattr(value, f"{hookspecs.PROJECT}_spec"):
            yield name, value


def _signature(hook: Callable[..., Any]) -> str:
    signature = inspect.signature(hook)
    shown = ", ".join(f"{item.name}: {_type(item.annotation)}" for item in signature.parameters.values())
    return f"{hook.__name__}({shown}) -> {_type(signature.return_annotation)}"


def _type(annotation: Any) -> str:
    """As it is written, without the modules."""
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", inspect.formatannotation(annotation))


def _told(doc: str) -> list[str]:
    """The text, and the example as a block of code."""
    text, _, example = doc.partition("Example::\n")
    lines = text.strip().splitlines()
    return [*lines, "", "```python", *textwrap.dedent(example).strip().splitlines(), "```"] if example else lines
