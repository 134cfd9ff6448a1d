"""Read the whole table once to learn what each column holds, then once more into typed Parquet."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from analyses.csv_profile import kinds
from analyses.csv_profile.errors import NotATable
from analyses.csv_profile.kinds import Kind
from analyses.csv_profile.sniff import Layout

HEAD = 5000  # rows from which kinds are guessed
GUESSED_FROM = 500  # values of a column looked at
FITS = 0.9  # share of a column's values that must read as its kind; the rest is told as unreadable
SURPLUS = "surplus"  # a column behind the last: what rows hold that are too long
MAX_SURPLUS = 0.2  # share of rows that may be too long


@dataclass(frozen=True)
class Column:
    """One column: `key` in the Parquet file, the customer's `name`, how it was read and how well."""

    key: str
    name: str
    kind: Kind
    missing: int
    unreadable: int


@dataclass(frozen=True)
class Table:
    """The typed table on disk. Rows without any value are left out."""

    parquet: Path
    rows: int
    blank_rows: int
    long_rows: int
    dropped: int  # columns left out, having neither name nor value
    columns: list[Column]

    def scan(self) -> pl.LazyFrame:
        """Return the typed table, lazily."""
        return pl.scan_parquet(self.parquet)


def ingest(text: Path, layout: Layout, scratch: Path) -> Table:
    """Read the UTF-8 file `text` as `layout` says; typed rows go to `scratch`.

    Holds a few blocks of rows in memory at a time. Raises NotATable.
    """
    try:
        return _ingest(text, layout, scratch, '"')
    except pl.exceptions.PolarsError:
        pass
    # A stray quote (5" pipe) breaks quoting: read quotes as plain characters, if the widths then agree.
    try:
        return _ingest(text, layout, scratch, None)
    except pl.exceptions.PolarsError:
        raise NotATable("broken") from None


def _ingest(text: Path, layout: Layout, scratch: Path, quote: str | None) -> Table:
    keys = [f"c{index}" for index in range(len(layout.names))]
    raw = pl.scan_csv(
        text,
        has_header=False,
        schema=dict.fromkeys([*keys, SURPLUS], pl.String),
        separator=layout.delimiter,
        quote_char=quote,
        skip_lines=layout.skip_lines,
        missing_columns="insert",
        extra_columns="ignore",
    )
    cleaned = raw.select(*map(kinds.clean, keys), SURPLUS)
    head = cleaned.head(HEAD).collect(engine="streaming")
    guesses = {key: kinds.guess(head[key].drop_nulls().head(GUESSED_FROM).to_list()) for key in keys}
    found, kind_of = _settle(cleaned, guesses)
    rows = found["rows"]
    if rows == 0:
        raise NotATable("header_only")
    if found[SURPLUS] > rows * MAX_SURPLUS:
        raise NotATable("ragged")
    columns = [
        Column(key, name, kind_of[key], rows - found[key], found[key] - found[f"{key} ok"])
        for key, name, own in zip(keys, layout.names, layout.named, strict=True)
        if own or found[key]
    ]
    parquet = scratch / "table.parquet"
    typed = [column.kind.read(pl.col(column.key)).alias(column.key) for column in columns]
    filled = cleaned.filter(pl.any_horizontal(pl.col(keys).is_not_null())) if found["all"] > rows else cleaned
    filled.select(typed).sink_parquet(parquet, compression="lz4", statistics=False, engine="streaming")
    return Table(parquet, rows, found["all"] - rows, found[SURPLUS], len(keys) - len(columns), columns)


def _settle(cleaned: pl.LazyFrame, guesses: dict[str, Kind]) -> tuple[dict[str, int], dict[str, Kind]]:
    """Count, over all rows, what reads as the guessed kinds; where it does not, try the kind's fallback.

    Returns counts (all rows, rows with a value, values under each key, readable ones under `<key> ok`) and the kinds.
    """
    keys = list(guesses)
    found: dict[str, int] = {}
    kind_of = dict(guesses)
    pending = keys
    filled = pl.any_horizontal(pl.col(keys).is_not_null()).sum()
    first = [pl.len().alias("all"), filled.alias("rows"), pl.col(SURPLUS).count(), *map(pl.count, keys)]
    while pending:
        reads = [kind_of[key].read(pl.col(key)).count().alias(f"{key} ok") for key in pending]
        # An integer column with fractions further down is one of numbers.
        wider = [
            kinds.fallback(kind_of[key]).read(pl.col(key)).count().alias(f"{key} wider")
            for key in pending
            if kind_of[key].name == "integer"
        ]
        found |= cleaned.select(*first, *reads, *wider).collect(engine="streaming").row(0, named=True)
        first = []
        pending = [key for key in pending if not _fits(found, key)]
        kind_of |= {key: kinds.fallback(kind_of[key]) for key in pending}
    return found, kind_of


def _fits(found: dict[str, int], key: str) -> bool:
    readable = found[f"{key} ok"]
    return readable >= FITS * found[key] and found.pop(f"{key} wider", readable) <= readable
