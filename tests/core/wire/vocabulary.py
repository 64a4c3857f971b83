"""Documents that a dialect half knows: the words its own code asks for, put together in ways it does not expect."""

import ast
import functools
import inspect
import pkgutil
import re
from importlib import import_module
from typing import Any

from hypothesis import strategies as st

from midwatch_core.wire import dialects
from midwatch_core.wire.dialect import Dialect

_WORD = re.compile(r"[A-Za-z_][\w.:-]{0,47}")
# Numbers no count may be, a text that is half a character, and JSON in a text, as arguments and chunks are.
ODD: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, 2**31, 2**64, -(2**70), 1e300, "", "\ud83d", "{}", "[1", [], {})
# The same as bytes that no writer makes: beyond any float, no number, deeper than readers go.
ODD_BYTES = (
    b"1e999",
    b"-1e999",
    b"NaN",
    b"9" * 30,
    b"9" * 400,
    b"-0.0",
    b"[" * 400 + b"]" * 400,
    b'{"a":' * 1200 + b"1" + b"}" * 1200,
)


@functools.cache
def words(dialect_id: str) -> tuple[str, ...]:
    """The words in the code of a dialect's family."""
    family = import_module(f"{dialects.__name__}.{dialect_id.partition('.')[0]}")
    found: set[str] = set()
    for module in pkgutil.iter_modules(family.__path__):
        code = inspect.getsource(import_module(f"{family.__name__}.{module.name}"))
        found |= {node.value for node in ast.walk(ast.parse(code)) if _is_word(node)}  # type: ignore[attr-defined]
    return tuple(sorted(found))


def documents(dialect: Dialect) -> st.SearchStrategy[Any]:
    """Documents of these words."""
    known = st.sampled_from(words(dialect.id))
    return st.recursive(
        known | st.sampled_from(ODD) | st.integers(0, 3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(known, inner, max_size=6),
        max_leaves=24,
    )


def _is_word(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_WORD.fullmatch(node.value))
