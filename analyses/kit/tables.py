"""Tables of a result as CSV that Excel opens: UTF-8 with BOM, no cell that a spreadsheet would run."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

# What starts a formula in a spreadsheet, and the full-width forms that some turn into it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001

Cell = object


def defuse(cell: Cell) -> Cell:
    """Put a ' before text that a spreadsheet would take for a formula; numbers of ours stay numbers."""
    if isinstance(cell, str) and (cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA)):
        return "'" + cell
    if isinstance(cell, float):
        return f"{cell:.10g}"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else cell


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write one table."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([[defuse(cell) for cell in row] for row in (header, *rows)])
