"""Numbers about each column: spread, distinct values, frequent values."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from analyses.csv_profile.table import Column, Table

SORTED_ROWS = 10_000_000  # above this many rows quantiles come from every k-th row
COUNTED_WORDS = 200_000  # above about this many different texts, frequent ones are not counted
TOP = 10  # frequent values shown
CATEGORY = 50  # a text column with at most this many different values is a category
BINS = 40
AT_ONCE = 2  # columns held in memory
TAIL = 0.005  # share of values at each end that a histogram leaves out where they are far away
FAR = 3  # times the inner range from which an end is far away
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}

Floats = npt.NDArray[np.float64]
Value = float | date | datetime | time | None


@dataclass(frozen=True)
class Histogram:
    """Counts between edges; `outside` values lie beyond the first and last edge."""

    edges: list[float]
    counts: list[int]
    outside: int


@dataclass(frozen=True)
class ColumnStats:
    """All that the report says of one column."""

    column: Column
    kind: str  # a key of the texts
    unique: int
    unique_is_estimate: bool
    numbers: dict[str, Value] = field(default_factory=dict)
    top: list[tuple[str | float | bool, int]] = field(default_factory=list)
    histogram: Histogram | None = None

    @property
    def is_measure(self) -> bool:
        """Tell whether the column is an amount worth comparing: a number with more than two values."""
        return self.kind in {"integer", "number"} and self.unique > 2  # noqa: PLR2004


def every_kth(lazy: pl.LazyFrame, rows: int, limit: int) -> pl.LazyFrame:
    """Return evenly spaced rows, at most about `limit`."""
    step = -(-rows // limit)
    if step <= 1:
        return lazy
    return lazy.with_row_index("row").filter(pl.col("row") % step == 0).drop("row")


def describe(table: Table) -> Iterator[ColumnStats]:
    """Yield the statistics of each column, in order, while the next ones are being computed."""
    exact = _aggregates(table)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(partial(_described, table, exact), table.columns)


def _described(table: Table, exact: dict[str, Value], column: Column) -> ColumnStats:
    if column.missing + column.unreadable == table.rows:
        return ColumnStats(column, "empty", 0, unique_is_estimate=False)
    known = {name: exact[f"{column.key} {name}"] for name in AGGREGATES.get(column.kind.name, {})}
    return DESCRIBE[column.kind.name](table, column, known)


AGGREGATES: dict[str, dict[str, Callable[[pl.Expr], pl.Expr]]] = {
    "number": {"min": pl.Expr.min, "max": pl.Expr.max, "mean": pl.Expr.mean, "sd": pl.Expr.std},
    "integer": {"min": pl.Expr.min, "max": pl.Expr.max, "mean": pl.Expr.mean, "sd": pl.Expr.std},
    "date": {"min": pl.Expr.min, "max": pl.Expr.max},
    "datetime": {"min": pl.Expr.min, "max": pl.Expr.max},
    "time": {"min": pl.Expr.min, "max": pl.Expr.max},
    "text": {"unique": pl.Expr.approx_n_unique},
}


def _aggregates(table: Table) -> dict[str, Value]:
    wanted = [
        call(pl.col(column.key)).alias(f"{column.key} {name}")
        for column in table.columns
        for name, call in AGGREGATES.get(column.kind.name, {}).items()
    ]
    if not wanted:
        return {}
    return table.scan().select(wanted).collect(engine="streaming").row(0, named=True)


def _values(table: Table, column: Column) -> pl.Series:
    lazy = table.scan().select(column.key)
    return every_kth(lazy, table.rows, SORTED_ROWS).collect(engine="streaming")[column.key].drop_nulls()


def _ordered(table: Table, column: Column, known: dict[str, Value]) -> ColumnStats:
    values = _values(table, column)
    numeric = values.dt.epoch("ms") if column.kind.name in {"date", "datetime"} else values
    numeric = numeric.cast(pl.Int64) if column.kind.name == "time" else numeric
    floats = numeric.cast(pl.Float64).to_numpy(writable=True)
    floats.sort()
    unique = int(np.count_nonzero(floats[1:] != floats[:-1])) + 1
    top: list[tuple[str | float | bool, int]] = []
    if column.kind.name in {"integer", "number"}:
        known = known | {name: _quantile(floats, share) for name, share in QUANTILES.items()}
        if unique <= CATEGORY:
            counts = values.value_counts().sort(["count", column.key], descending=[True, False])
            top = counts.head(TOP).rows()
    return ColumnStats(
        column,
        column.kind.name,
        unique,
        unique_is_estimate=table.rows > SORTED_ROWS,
        numbers=known,
        top=top,
        histogram=_histogram(floats, whole=column.kind.name == "integer"),
    )


def _quantile(ordered: Floats, share: float) -> float:
    """Return the quantile of sorted values, between two of them linearly (numpy's own method copies them all)."""
    place = share * (len(ordered) - 1)
    at = int(place)
    return float(np.interp(place - at, [0, 1], ordered[at : at + 2] if at + 1 < len(ordered) else ordered[[at, at]]))


def _histogram(ordered: Floats, *, whole: bool) -> Histogram | None:
    """Bin sorted values; far outliers are left out so that the rest can be seen.

    None where floats can't tell the edges apart, as with numbers near 1e300 or ids near 1e17.
    """
    low, high = float(ordered[0]), float(ordered[-1])
    inner_low, inner_high = _quantile(ordered, TAIL), _quantile(ordered, 1 - TAIL)
    spread = inner_high - inner_low
    if spread > 0:
        low = inner_low if inner_low - low > FAR * spread else low
        high = inner_high if high - inner_high > FAR * spread else high
    if whole and high - low < BINS:
        edges = np.arange(np.floor(low), np.floor(high) + 2) - 0.5
    elif whole:
        # Bins as wide as a whole number, or every other one would look emptier.
        width = np.ceil((high - low + 1) / BINS)
        edges = np.arange(np.floor(low) - 0.5, high + width, width)
    elif not np.isfinite(high - low):
        return None
    else:
        edges = np.linspace(low, high if high > low else low + 1, min(BINS, 8 + len(ordered) // 12) + 1)
    if len(edges) < 2 or not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):  # noqa: PLR2004 - one bin
        return None
    # What np.histogram does, without sorting once more.
    ends = np.append(ordered.searchsorted(edges[:-1], "left"), ordered.searchsorted(edges[-1], "right"))
    counts = np.diff(ends)
    return Histogram(edges.tolist(), counts.tolist(), len(ordered) - int(counts.sum()))


def _boolean(table: Table, column: Column, _: dict[str, Value]) -> ColumnStats:
    counts = table.scan().group_by(column.key).len().collect(engine="streaming").drop_nulls().sort(column.key).rows()
    return ColumnStats(column, "boolean", len(counts), unique_is_estimate=False, top=counts[::-1])


def _text(table: Table, column: Column, known: dict[str, Value]) -> ColumnStats:
    estimate = known["unique"]
    if isinstance(estimate, int) and estimate > COUNTED_WORDS:
        return ColumnStats(column, "text", estimate, unique_is_estimate=True)
    groups = table.scan().group_by(column.key).len().collect(engine="streaming").drop_nulls()
    top = groups.sort(["len", column.key], descending=[True, False]).head(TOP).rows()
    few = groups.height <= CATEGORY and groups.height * 2 <= table.rows
    kind = "category" if few else "text"
    return ColumnStats(column, kind, groups.height, unique_is_estimate=False, top=top)


DESCRIBE: dict[str, Callable[[Table, Column, dict[str, Value]], ColumnStats]] = {
    "integer": _ordered,
    "number": _ordered,
    "date": _ordered,
    "datetime": _ordered,
    "time": _ordered,
    "boolean": _boolean,
    "text": _text,
}
