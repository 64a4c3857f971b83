"""What a benchmark reports: rows of one table, the same in print and in JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure. `ok` is None where there is no target, `ratio` is to `stock` in the same run."""

    name: str
    value: float
    unit: str
    target: str = ""
    stock: float | None = None
    ratio: float | None = None
    ok: bool | None = None

    def as_json(self) -> dict[str, object]:
        """The row as a JSON object, figures rounded to what means something."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}


def compare(name: str, value: float, unit: str, stock: float | None = None, *, least: float | None = None) -> Row:
    """A row whose target, if `least` is given, is to reach at least that multiple of stock."""
    ratio = value / stock if stock else None
    target = f"≥ {least:g} × stock" if least is not None else ""
    ok = ratio >= least if least is not None and ratio is not None else None
    return Row(name=name, value=value, unit=unit, target=target, stock=stock, ratio=ratio, ok=ok)


def no_more(name: str, value: float, unit: str, stock: float, *, most: float) -> Row:
    """A row whose target is to stay at or below `most` times stock."""
    ratio = value / stock
    return Row(
        name=name, value=value, unit=unit, target=f"≤ {most:g} × stock", stock=stock, ratio=ratio, ok=ratio <= most
    )


def ratio_at_least(name: str, value: float, unit: str, other: float, least: float) -> Row:
    """A row whose target is to reach at least that multiple of another figure of ours; `stock` holds that one."""
    ratio = value / other
    return Row(name=name, value=value, unit=unit, target=f"≥ {least:g} ×", stock=other, ratio=ratio, ok=ratio >= least)


def at_most(name: str, value: float, unit: str, limit: float) -> Row:
    """A row with an absolute limit."""
    return Row(name=name, value=value, unit=unit, target=f"≤ {limit:g} {unit}", ok=value <= limit)


def table(rows: list[Row]) -> str:
    """The rows as text, columns aligned."""
    head = ("", "value", "unit", "stock", "ratio", "target", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    stock = "" if row.stock is None else _figure(row.stock)
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
    verdict = {None: "", True: "ok", False: "SHORT"}[row.ok]
    return (row.name, _figure(row.value), row.unit, stock, ratio, row.target, verdict)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
