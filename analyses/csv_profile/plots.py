"""The plots of a profile."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from matplotlib import dates as mdates
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from analyses.csv_profile.relations import Correlations, OverTime
from analyses.csv_profile.stats import ColumnStats, Histogram
from analyses.csv_profile.texts import Texts
from analyses.kit import plots as kit
from analyses.kit.texts import shorten

ANNOTATED = 10  # columns up to which the heatmap tells its numbers
DIVERGING = LinearSegmentedColormap.from_list("r", ["#a8501f", "#f3d9c8", "#ffffff", "#c3dfea", kit.ACCENT])
HOURS_PER_DAY = 24


def column(stat: ColumnStats, texts: Texts, path: Path, *, size: tuple[float, float] = kit.WIDE) -> bool:
    """Draw how the values of one column are spread; False when there is nothing to draw."""
    if stat.histogram and stat.unique > 1:
        figure, axes = kit.axes(*size, "y")
        _histogram(axes, stat, stat.histogram, texts)
    elif stat.top and stat.unique > 1 and stat.top[0][1] > 1:
        figure, axes = kit.axes(size[0], max(size[1], 0.5 + 0.27 * len(stat.top)), "x")
        _bars(axes, stat, texts)
    else:
        return False
    kit.save(figure, path)
    return True


def _histogram(axes: Axes, stat: ColumnStats, histogram: Histogram, texts: Texts) -> None:
    edges = np.array(histogram.edges)
    if stat.kind in {"date", "datetime"}:
        moments = [datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=edge) for edge in edges]
        places = mdates.date2num(moments)  # type: ignore[no-untyped-call]
        _date_axis(axes, float(places[-1] - places[0]))
    elif stat.kind == "time":
        places = edges / 3.6e12
        axes.xaxis.set_major_locator(ticker.MultipleLocator(3))
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda hour, _: f"{hour:.0f}:00"))
        axes.set_xlim(0, HOURS_PER_DAY)
    else:
        places = edges
        kit.thousands(axes.xaxis, whole=stat.kind == "integer")
    axes.bar(
        places[:-1],
        histogram.counts,
        np.diff(places),
        align="edge",
        color=kit.ACCENT,
        edgecolor="white",
        linewidth=0.5,
    )
    axes.set_xlabel(shorten(stat.column.name, 40))
    axes.set_ylabel(texts("rows"))
    kit.thousands(axes.yaxis, whole=True)


def _bars(axes: Axes, stat: ColumnStats, texts: Texts) -> None:
    top = stat.top[::-1]
    places = range(len(top))
    bars = axes.barh(places, [count for _, count in top], height=0.72, color=kit.ACCENT)
    axes.set_yticks(places, [shorten(texts.value(value), 22) for value, _ in top], color=kit.INK)
    axes.bar_label(bars, [f"{count:,}" for _, count in top], padding=4, color=kit.QUIET, fontsize=9)
    axes.margins(x=0.12, y=0.02)
    axes.set_xlabel(texts("rows"))
    kit.thousands(axes.xaxis, whole=True)


def _date_axis(axes: Axes, days: float) -> None:
    pattern = next(
        form for limit, form in ((2, "%H:%M"), (100, "%m/%d"), (1500, "%Y/%m"), (1e9, "%Y")) if days <= limit
    )
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(mdates.DateFormatter(pattern))  # type: ignore[no-untyped-call]


def series(
    over: OverTime,
    stat: ColumnStats | None,
    texts: Texts,
    path: Path,
    *,
    size: tuple[float, float] = kit.WIDE,
) -> None:
    """Draw the means of a column over time, or the number of rows where `stat` is None."""
    figure, axes = kit.axes(*size, "y")
    at = over.frame["at"].to_list()
    values = over.frame[stat.column.key if stat else "rows"].cast(float).to_numpy()
    if stat:
        values = np.where(over.thin(), np.nan, values)
    marker = "o" if len(at) <= 40 else None  # noqa: PLR2004 - few points are seen as points
    axes.plot(at, values, color=kit.ACCENT, linewidth=1.4, marker=marker, markersize=3)
    days = (at[-1] - at[0]).total_seconds() / 86400
    _date_axis(axes, days)
    mean = "" if over.is_one_row_each else f" ({texts('mean').lower()})"
    axes.set_ylabel(shorten(stat.column.name, 18) + mean if stat else texts("rows"))
    # A period of one calendar year or less does not say which.
    axes.set_xlabel(f"{shorten(over.dated_by.column.name, 30)} ({_period(at[0], at[-1])})")
    if stat is None:
        axes.set_ylim(bottom=0)
    kit.thousands(axes.yaxis, whole=stat is None)
    kit.save(figure, path)


def _period(first: datetime, last: datetime) -> str:
    return f"{first:%Y/%m/%d} – {last:%Y/%m/%d}"  # noqa: RUF001


def heatmap(found: Correlations, path: Path) -> None:
    """Draw the correlations as coloured squares."""
    count = len(found.columns)
    side = max(4.6, 1.8 + 0.34 * count)
    figure = Figure(figsize=(min(side + 1.2, 11), min(side, 10)), dpi=kit.DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    shown = np.where(np.eye(count, dtype=bool), np.nan, found.matrix)
    image = axes.imshow(shown, cmap=DIVERGING, vmin=-1, vmax=1)
    names = [shorten(stat.column.name, 16) for stat in found.columns]
    axes.set_xticks(range(count), names, rotation=60, ha="right", rotation_mode="anchor", color=kit.INK, fontsize=9)
    axes.set_yticks(range(count), names, color=kit.INK, fontsize=9)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    if count <= ANNOTATED:
        for (row, col), r in np.ndenumerate(shown):
            if np.isfinite(r):
                colour = "white" if abs(r) > 0.7 else kit.INK  # noqa: PLR2004 - dark squares
                axes.text(col, row, f"{round(r, 2) + 0.0:.2f}", ha="center", va="center", fontsize=8, color=colour)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, ticks=[-1, -0.5, 0, 0.5, 1], label="r")
    bar.outline.set_visible(False)
    kit.save(figure, path)


def preview(stats: Sequence[ColumnStats], over: OverTime | None, texts: Texts, path: Path) -> tuple[str, str]:
    """Draw the one free plot, 1200 x 675 px; returns the key of its title and the column's name."""
    measures = sorted((stat for stat in stats if stat.is_measure), key=lambda stat: stat.unique < BUSY)
    with kit.preview_style():
        if over and over.columns:
            best = next(stat for stat in [*measures, *over.columns] if stat in over.columns)
            series(over, best, texts, path, size=kit.PREVIEW)
            return f"over_{over.step}" if not over.is_one_row_each else "over_time_of", best.column.name
        for stat in [*measures, *(other for other in stats if other.kind != "empty")]:
            if column(stat, texts, path, size=kit.PREVIEW):
                return "spread_of", stat.column.name
        figure, axes = kit.axes(*kit.PREVIEW, "x")
        filled = stats[:20][::-1]
        axes.barh(
            [shorten(stat.column.name, 22) for stat in filled],
            [stat.unique for stat in filled],
            color=kit.ACCENT,
        )
        axes.set_xlabel(texts("unique"))
        kit.thousands(axes.xaxis, whole=True)
        kit.save(figure, path)
        return "unique_of", ""


BUSY = 20  # different values from which a number is worth showing first
