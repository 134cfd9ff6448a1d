"""The tables of the result."""

from collections.abc import Sequence
from pathlib import Path

from analyses.csv_profile.relations import Correlations, OverTime
from analyses.csv_profile.stats import ColumnStats
from analyses.csv_profile.texts import Texts
from analyses.kit.tables import write

FIGURES = ("min", "q05", "q25", "median", "q75", "q95", "max", "mean", "sd")


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
