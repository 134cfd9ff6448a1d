"""The tables of the result as CSV that Excel opens: UTF-8 with BOM, no cell that a spreadsheet would run."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from analyses.csv_profile.relations import Correlations, OverTime
from analyses.csv_profile.stats import ColumnStats
from analyses.csv_profile.texts import Texts

# What starts a formula in a spreadsheet, and the full-width forms that some turn into it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
FIGURES = ("min", "q05", "q25", "median", "q75", "q95", "max", "mean", "sd")

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


def columns(path: Path, stats: Sequence[ColumnStats], texts: Texts) -> None:
    """Write one row a column: kind, gaps, distinct values, figures."""
    header = [texts(key) for key in ("column", "type", "missing", "unreadable", "unique", *FIGURES)]
    write(
        path,
        header,
        (
            [stat.column.name, texts(stat.kind), stat.column.missing, stat.column.unreadable, stat.unique]
            + [stat.numbers.get(figure) for figure in FIGURES]
            for stat in stats
        ),
    )


def top_values(path: Path, stats: Sequence[ColumnStats], rows: int, texts: Texts) -> None:
    """Write the frequent values of all columns."""
    header = [texts(key) for key in ("column", "value", "count", "share")]
    write(
        path,
        header,
        (
            [stat.column.name, texts.value(value) if isinstance(value, bool) else value, count, count / rows]
            for stat in stats
            for value, count in stat.top
        ),
    )


def correlations(path: Path, found: Correlations, texts: Texts) -> None:
    """Write every pair with its r, strongest first."""
    pairs = ([one.column.name, other.column.name, r] for one, other, r in found.pairs())
    write(path, [texts("one"), texts("other"), "r"], pairs)


def over_time(path: Path, over: OverTime, texts: Texts) -> None:
    """Write the rows and means at each step of the main date."""
    header = [over.dated_by.column.name, texts("rows"), *(stat.column.name for stat in over.columns)]
    write(path, header, over.frame.iter_rows())
