"""The page of hooks: each example implements the hook it stands under, with arguments that the hook has."""

import ast
import inspect
import re

import pytest

from midwatch_core import hookspecs
from tests.docs.walking import DOCS

_HOOKS = re.findall(r"^## (\w+)\n.*?^```python\n(.*?)^```", (DOCS / "hooks.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("name", "example"), _HOOKS, ids=[name for name, _ in _HOOKS])
def test_an_example_implements_its_hook(name: str, example: str) -> None:
    (function,) = (node for node in ast.parse(example).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert function.name == name
    taken = {argument.arg for argument in function.args.args}
    assert taken <= set(inspect.signature(getattr(hookspecs, name)).parameters)


def test_every_hook_has_an_example() -> None:
    specified = {name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")}
    assert {name for name, _ in _HOOKS} == specified
