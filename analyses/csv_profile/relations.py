"""What hangs together: correlations of numbers, and numbers over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from analyses.csv_profile.stats import ColumnStats, every_kth
from analyses.csv_profile.table import Table

CORRELATED = 25  # columns compared with each other
CORRELATED_ROWS = 200_000
PAIRS = 10  # rows in which both columns have a value, at the least
SERIES = 12  # columns drawn over time
DATED = 0.5  # share of rows with a date that a main date column has, at the least
POINTS = 400
THIN = 0.1  # of the usual number of rows: the mean of a step with fewer is not drawn
# The finest step that keeps the period within POINTS.
STEPS: tuple[tuple[str, float], ...] = (
    ("1m", 60), ("1h", 3600), ("1d", 86400), ("1w", 604800), ("1mo", 2629800), ("1y", 31557600),
)  # fmt: skip

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Correlations:
    """Pearson's r of each pair of `columns` over the rows where both have a value; NaN where too few do."""

    columns: list[ColumnStats]
    matrix: Matrix
    left_out: int  # numeric columns beyond CORRELATED
    rows: int  # rows looked at

    def pairs(self) -> list[tuple[ColumnStats, ColumnStats, float]]:
        """Return the pairs, strongest first."""
        found = [
            (one, other, float(self.matrix[i, j]))
            for i, one in enumerate(self.columns)
            for j, other in enumerate(self.columns[i + 1 :], i + 1)
            if np.isfinite(self.matrix[i, j])
        ]
        return sorted(found, key=lambda pair: -abs(round(pair[2], 9)))


def correlate(table: Table, stats: Sequence[ColumnStats]) -> Correlations | None:
    """Compare the numeric columns pairwise; None where there are not two."""
    measures = [stat for stat in stats if stat.is_measure]
    chosen = measures[:CORRELATED]
    if len(chosen) < 2:  # noqa: PLR2004 - a pair
        return None
    lazy = table.scan().select(pl.col(stat.column.key).cast(pl.Float64) for stat in chosen)
    sample = every_kth(lazy, table.rows, CORRELATED_ROWS).collect(engine="streaming")
    values = sample.to_numpy().astype(np.float64)
    return Correlations(chosen, _pearson(values), len(measures) - len(chosen), sample.height)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _pearson(values: Matrix) -> Matrix:
    """Return r for every pair of columns over the rows where both are present, by sums of products."""
    values = values / np.fmax.reduce(np.abs(values), axis=0)
    present = np.isfinite(values)
    mask = present.astype(np.float64)
    centred = np.where(present, values - np.nansum(values, axis=0) / mask.sum(axis=0), 0.0)
    n = mask.T @ mask
    sums = centred.T @ mask
    covariance = centred.T @ centred - sums * sums.T / n
    variance = (centred**2).T @ mask - sums**2 / n
    r = covariance / np.sqrt(variance * variance.T)
    rounding = 1e-12 * n * (centred**2).max(axis=0)[:, None]
    usable = (n >= PAIRS) & (variance > rounding) & (variance.T > rounding.T)
    return np.where(usable, np.clip(r, -1, 1), np.nan)


@dataclass(frozen=True)
class OverTime:
    """Rows and means of columns by `step` of the main date column."""

    dated_by: ColumnStats
    step: str  # a key of STEPS, and of the texts
    columns: list[ColumnStats]
    left_out: int
    frame: pl.DataFrame  # "at", "rows", and a column of means under each key

    @property
    def is_one_row_each(self) -> bool:
        """Tell whether every step holds one row, so that means are the values themselves."""
        return self.frame["rows"].max() == 1

    def thin(self) -> npt.NDArray[np.bool_]:
        """Tell the steps with so few rows (a day cut short) that their mean would mislead."""
        rows = self.frame["rows"].to_numpy()
        return np.asarray(rows < THIN * np.median(rows))


def main_date(table: Table, stats: Sequence[ColumnStats]) -> ColumnStats | None:
    """Return the date column with the fewest gaps, the first of equals."""
    dated = [stat for stat in stats if stat.kind in {"date", "datetime"} and stat.unique > 2]  # noqa: PLR2004
    best = min(dated, key=lambda stat: stat.column.missing + stat.column.unreadable, default=None)
    if best is None or best.column.missing + best.column.unreadable > table.rows * (1 - DATED):
        return None
    return best


def over_time(table: Table, stats: Sequence[ColumnStats]) -> OverTime | None:
    """Follow the numeric columns over the main date column; None where there is no date."""
    dated_by = main_date(table, stats)
    if dated_by is None:
        return None
    first, last = dated_by.numbers["min"], dated_by.numbers["max"]
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    step = _step(first, last, whole_days=dated_by.kind == "date")
    measures = [stat for stat in stats if stat.is_measure]
    chosen = measures[:SERIES]
    at = pl.col(dated_by.column.key).dt.truncate(step).alias("at")
    frame = (
        table.scan()
        .filter(pl.col(dated_by.column.key).is_not_null())
        .group_by(at)
        .agg(pl.len().alias("rows"), *(pl.col(stat.column.key).mean() for stat in chosen))
        .sort("at")
        .collect(engine="streaming")
    )
    if frame.height < 3:  # noqa: PLR2004 - two points are no course
        return None
    return OverTime(dated_by, step, chosen, len(measures) - len(chosen), frame)


def _step(first: date | datetime, last: date | datetime, *, whole_days: bool) -> str:
    if isinstance(first, datetime) and isinstance(last, datetime):
        seconds = (last - first).total_seconds()
    else:
        seconds = (last.toordinal() - first.toordinal()) * 86400
    steps = STEPS[2:] if whole_days else STEPS
    return next((name for name, length in steps if seconds / length <= POINTS), STEPS[-1][0])
