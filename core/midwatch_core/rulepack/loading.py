"""A pack from its bytes: read, compiled, and timed on hostile text."""

from midwatch_core.rulepack.compiling import Pack, compile_pack
from midwatch_core.rulepack.hostile import DEFAULT_BUDGET_S, check_speed
from midwatch_core.rulepack.reading import read_spec


def load_pack(data: bytes, name: str, *, budget_s: float | None = DEFAULT_BUDGET_S) -> Pack:
    """The pack in a file's bytes; `name` is what messages call the file.

    `budget_s` is the CPU time that a rule may take on 16 KB of hostile text; None leaves the timing out. Raises
    RulePackError, one line naming file, rule and key.
    """
    pack = compile_pack(read_spec(data, name), data, name)
    if budget_s is not None:
        check_speed(pack, budget_s)
    return pack
