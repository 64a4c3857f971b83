"""`traces show`: one exchange as a conversation a person can read."""

import sys
from pathlib import Path
from typing import Any

from midwatch.cli.asking import Asker
from midwatch.cli.explained import finding_lines
from midwatch.cli.printing import (
    EQUIVALENT,
    EQUIVALENT_NOTE,
    cost_of,
    count,
    milliseconds,
    print_json,
    print_text,
    visible,
)
from midwatch.cli.tracing import tool_line
from midwatch.home import Home

_FOLD_CHARACTERS = 4000


def show_exchange(home: Home, config_file: Path | None, exchange_id: str, *, as_json: bool) -> int:
    """Print an exchange; 1 where there is none of this id."""
    answer = Asker(home, config_file).ask({"op": "exchange", "id": exchange_id})
    if answer["exchange"] is None:
        print(f"midwatch: no exchange {visible(exchange_id)}", file=sys.stderr)
        return 1
    if as_json:
        print_json([{**answer["row"], "exchange": answer["exchange"]}])
        return 0
    print_text(
        "\n".join(
            [
                *_heading(answer["row"]),
                *_tools(answer["exchange"]),
                *_turns(answer["exchange"]),
                *_findings(answer["exchange"]),
                *_invoice(answer["exchange"]),
            ]
        )
    )
    return 0


def _heading(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['id']}  {row['started_at']}",
        f"{row['provider']} · {visible(row['model'] or '?')} · {row['operation']} · status {row['status'] or '-'}"
        f" · {'streamed' if row['streamed'] else 'whole'} · {row['app'] or 'unknown application'}",
        f"tokens {count(row['input_tokens'])} in, {count(row['output_tokens'])} out · cost {cost_of(row)}"
        f"{' (' + row['cost_reason'] + ')' if row['cost_reason'] else ''}"
        f" · first token {milliseconds(row['ttft_ms'])} · total {milliseconds(row['duration_ms'])}",
        *_place(row),
        *([EQUIVALENT_NOTE] if cost_of(row).startswith(EQUIVALENT) else []),
        *([f"not read in full: {visible(row['decode_error'])}"] if row["decode_error"] else []),
        *([f"error: {visible(row['error'])}"] if row["error"] else []),
    ]


def _place(row: dict[str, Any]) -> list[str]:
    """Where it stands in its conversation."""
    if not row["turn"]:
        return []
    after = f" after {row['parent_id']}" if row["parent_id"] else ""
    session = f" · session {visible(row['session'])}" if row["session"] else ""
    return [f"trace {visible(row['trace_id'])} · {row['turn']}{after} · linked by {row['linked_by']}{session}"]


def _tools(exchange: dict[str, Any]) -> list[str]:
    lines = [f"  {tool_line(span)}" for span in exchange["tool_spans"]]
    return ["", "tools that ran before it", *lines] if lines else []


def _turns(exchange: dict[str, Any]) -> list[str]:
    lines = []
    for side in ("request", "response"):
        for segment in (exchange[side] or {}).get("segments", ()):
            lines += ["", f"── {segment['part']}  {visible(segment['path'])}", *_text(segment["text"])]
    return lines


def _text(text: str) -> list[str]:
    lines = [visible(line) for line in text[:_FOLD_CHARACTERS].splitlines()]
    if len(text) > _FOLD_CHARACTERS:
        lines.append(f"… {len(text) - _FOLD_CHARACTERS:,} more characters (--json has them)")
    return lines


def _findings(exchange: dict[str, Any]) -> list[str]:
    lines = [line for item in exchange["findings"] for line in finding_lines(item)]
    return ["", "findings", *lines] if lines else []


def _invoice(exchange: dict[str, Any]) -> list[str]:
    lines = [
        f"  {line['kind']}: {line['quantity']:,} × ${line['rate']} / {line['per']:,} = ${line['amount']}"
        for line in (exchange["cost"] or {}).get("lines", ())
    ]
    return ["", f"invoice ({exchange['cost']['source']})", *lines] if lines else []
