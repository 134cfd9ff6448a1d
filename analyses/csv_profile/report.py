"""Put the findings into one HTML page without scripts, and the free preview."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analyses.csv_profile import encoding, plots, tables
from analyses.csv_profile.relations import Correlations, OverTime
from analyses.csv_profile.sniff import Layout
from analyses.csv_profile.stats import SORTED_ROWS, ColumnStats, Value
from analyses.csv_profile.table import Table
from analyses.csv_profile.texts import LABELS, Texts
from analyses.kit import pages
from analyses.kit.pages import Picture, embedded
from analyses.kit.texts import in_every, percent, shorten

PLOTTED = 40  # columns with a plot of their own
TOLD_PAIRS = 8  # correlations told in words
CLEAR, STRONG = 0.3, 0.7  # |r|
NOTED_COLUMNS = 10  # columns whose unreadable values are noted one by one


@dataclass(frozen=True)
class Findings:
    """All that was found about one file."""

    filename: str
    order_id: str
    source: encoding.Utf8
    layout: Layout
    table: Table
    stats: list[ColumnStats]
    pictures: dict[str, Picture]  # by the columns' keys
    over: OverTime | None
    correlations: Correlations | None

    @property
    def missing(self) -> str:
        """The share of cells without a value."""
        cells = sum(stat.column.missing for stat in self.stats)
        return percent(cells, self.table.rows * len(self.stats))

    def period(self, texts: Texts) -> str | None:
        """Return the first and last date of the main date column."""
        if self.over is None:
            return None
        known = self.over.dated_by.numbers
        return " – ".join(_day(known[end], texts) for end in ("min", "max"))  # noqa: RUF001


def _day(value: Value, texts: Texts) -> str:
    return texts.value(value).split(" ")[0]


def _facts(found: Findings, texts: Texts) -> list[tuple[str, str]]:
    layout = found.layout
    facts = [
        ("rows", f"{found.table.rows:,}"),
        ("columns", f"{len(found.stats):,}"),
        ("missing_share", found.missing),
        ("period", found.period(texts)),
        ("encoding", encoding.NAMES[found.source.encoding]),
        ("delimiter", texts(layout.delimiter)),
        ("header_rows", texts("header_value", count=layout.header_rows)),
        ("preamble", texts("preamble_value", count=layout.preamble) if layout.preamble else None),
        ("caption", layout.caption or None),
    ]
    return [(texts(key), value) for key, value in facts if value]


def _notes(found: Findings, texts: Texts, *, plotted: int) -> list[str]:
    table, stats = found.table, found.stats
    drawable = sum(stat.unique > 1 for stat in stats)
    notes = [
        (found.layout.header_rows > 1, texts("note_headers", count=found.layout.header_rows)),
        (found.layout.header_rows == 0, texts("note_no_header")),
        (table.blank_rows, texts("note_blank", count=f"{table.blank_rows:,}")),
        (table.long_rows, texts("note_long", count=f"{table.long_rows:,}")),
        (table.dropped, texts("note_dropped", count=f"{table.dropped:,}")),
        (table.rows > SORTED_ROWS, texts("note_sampled", count=f"{_sampled(table.rows):,}")),
        (any(stat.unique_is_estimate for stat in stats), texts("note_estimate")),
        (0 < plotted < drawable, texts("note_plots", count=plotted)),
    ]
    unreadable = [stat for stat in stats if stat.column.unreadable][:NOTED_COLUMNS]
    return [note for applies, note in notes if applies] + [
        texts(
            "note_unreadable",
            name=stat.column.name,
            count=f"{stat.column.unreadable:,}",
            kind=texts(stat.kind),
        )
        for stat in unreadable
    ]


def _sampled(rows: int) -> int:
    return -(-rows // -(-rows // SORTED_ROWS))


def draw_columns(stats: Iterable[ColumnStats], texts: Texts, output: Path) -> dict[str, Picture]:
    """Draw the first columns that can be drawn into `output`/result/plots; returns the pictures by the columns' keys.

    Takes one column after the other, so that others can be computed while it draws.
    """
    folder = output / "result" / "plots"
    folder.mkdir(parents=True)
    pictures: dict[str, Picture] = {}
    for number, stat in enumerate(stats, 1):
        path = folder / f"column-{number:04}.png"
        if len(pictures) < PLOTTED and plots.column(stat, texts, path):
            pictures[stat.column.key] = embedded(path, texts("spread_of", name=stat.column.name))
    return pictures


def _series_plots(over: OverTime, texts: Texts, folder: Path) -> list[tuple[str, Picture]]:
    drawn: list[tuple[str, Picture]] = []
    shown = [None, *over.columns] if not over.is_one_row_each else list(over.columns)
    for number, stat in enumerate(shown):
        path = folder / f"series-{number:02}.png"
        plots.series(over, stat, texts, path)
        title = stat.column.name if stat else texts("rows_over_time")
        drawn.append((title, embedded(path, texts("over_time_of", name=title))))
    return drawn


def _told(correlations: Correlations, texts: Texts) -> list[tuple[str, str]]:
    told = []
    for one, other, r in correlations.pairs()[:TOLD_PAIRS]:
        if abs(r) < CLEAR:
            break
        key = ("corr_plus" if r > 0 else "corr_minus") + ("_strong" if abs(r) >= STRONG else "")
        told.append((texts(key, one=one.column.name, other=other.column.name), f"{r:.2f}"))
    return told


def _in_short(stat: ColumnStats, texts: Texts) -> str:
    """Return the range of a column, or its frequent values, in a few words."""
    known = stat.numbers
    if "min" in known:
        ends = dict.fromkeys(texts.value(known[end]) for end in ("min", "max"))
        return " – ".join(ends)  # noqa: RUF001
    return ", ".join(shorten(texts.value(value), 18) for value, _ in stat.top[:3])


def write_result(found: Findings, texts: Texts, output: Path, *, full: bool) -> None:
    """Write `output`/result: report.html, and for a full profile the other plots/ and all tables/."""
    folder = output / "result"
    (folder / "tables").mkdir(parents=True)
    tables.columns(folder / "tables" / "columns.csv", found.stats, texts)
    series: list[tuple[str, Picture]] = []
    heatmap: Picture | None = None
    if full:
        tables.top_values(folder / "tables" / "top-values.csv", found.stats, found.table.rows, texts)
        if found.over:
            tables.over_time(folder / "tables" / "over-time.csv", found.over, texts)
            series = _series_plots(found.over, texts, folder / "plots")
        if found.correlations:
            tables.correlations(folder / "tables" / "correlations.csv", found.correlations, texts)
            plots.heatmap(found.correlations, folder / "plots" / "correlations.png")
            heatmap = embedded(folder / "plots" / "correlations.png", texts("correlations"))
    pages.write(
        folder / "report.html",
        Path(__file__).parent,
        kind=texts("title" if full else "title_quick"),
        filename=found.filename,
        order_id=found.order_id,
        t=texts,
        found=found,
        facts=_facts(found, texts),
        notes=_notes(found, texts, plotted=len(found.pictures)),
        pictures=found.pictures,
        series=series,
        heatmap=heatmap,
        told=_told(found.correlations, texts) if found.correlations else [],
        figures=tables.FIGURES,
        in_short={stat.column.key: _in_short(stat, texts) for stat in found.stats},
        full=full,
    )


def write_preview(found: Findings, texts: Texts, output: Path) -> None:
    """Write `output`/preview: a few facts in every language and one plot."""
    folder = output / "preview"
    folder.mkdir()
    title, name = plots.preview(found.stats, found.over, texts, folder / "plot.png")
    facts = {
        "rows": f"{found.table.rows:,}",
        "columns": f"{len(found.stats):,}",
        "missing_share": found.missing,
        "period": found.period(texts),
        "encoding": encoding.NAMES[found.source.encoding],
    }
    pages.write_summary(folder, LABELS, facts, in_every(LABELS, title, name=name))
