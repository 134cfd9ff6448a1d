"""Read the whole table into typed Parquet, guessing what each column holds and mending wrong guesses."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from analyses.csv_profile import kinds
from analyses.csv_profile.kinds import Kind
from analyses.csv_profile.sniff import Layout
from analyses.kit.program import CannotAnalyse

HEAD = 5000  # rows from which kinds are guessed
GUESSED_FROM = 500  # values of a column looked at
FITS = 0.9  # share of a column's values that must read as its kind; the rest is told as unreadable
SURPLUS = "surplus"  # a column behind the last: what rows hold that are too long
BLANK = "blank"  # tells rows without any value
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
        lazy = pl.scan_parquet(self.parquet)
        return lazy.filter(~pl.col(BLANK)) if self.blank_rows else lazy


def ingest(text: Path, layout: Layout, scratch: Path) -> Table:
    """Read the UTF-8 file `text` as `layout` says; typed rows go to `scratch`.

    Holds a few blocks of rows in memory at a time. Raises CannotAnalyse.
    """
    try:
        return _ingest(text, layout, scratch, '"')
    except pl.exceptions.PolarsError:
        pass
    # A stray quote (5" pipe) breaks quoting: read quotes as plain characters, if the widths then agree.
    try:
        return _ingest(text, layout, scratch, None)
    except pl.exceptions.PolarsError:
        raise CannotAnalyse("broken") from None


def _ingest(text: Path, layout: Layout, scratch: Path, quote: str | None) -> Table:
    keys = [f"c{index}" for index in range(len(layout.names))]
    raw = partial(
        pl.scan_csv,
        text,
        has_header=False,
        separator=layout.delimiter,
        quote_char=quote,
        skip_lines=layout.skip_lines,
        missing_columns="insert",
        extra_columns="ignore",
    )
    words: dict[str, type[pl.DataType]] = dict.fromkeys([*keys, SURPLUS], pl.String)
    head = raw(schema=words).head(HEAD).collect(engine="streaming")
    clean_head = head.select(*map(kinds.clean, keys))
    kind_of = {key: kinds.guess(clean_head[key].drop_nulls().head(GUESSED_FROM).to_list()) for key in keys}
    # Trimming and looking for words such as NA costs a third of the time: only where it has to be.
    tidy = {key for key in keys if kind_of[key].name != "text" and head[key].equals(clean_head[key])}
    parquet = scratch / "table.parquet"
    unfit = keys
    while unfit:
        # The reader itself makes numbers in half the time, and stops where it can't.
        numbers = {key: kind_of[key].dtype for key in tidy if kind_of[key].dtype is not pl.String}
        lazy = raw(schema=words | numbers)
        cleaned = lazy.select(*(pl.col(key) if key in tidy else kinds.clean(key) for key in keys), SURPLUS)
        try:
            found = _write(cleaned, kind_of, parquet)
        except pl.exceptions.ComputeError:
            if not numbers:
                raise
            tidy -= numbers.keys()
            continue
        untidy = {key for key in tidy if found[f"{key} bad"]}
        unfit = [key for key in keys if key in untidy or not _fits(found, key)]
        kind_of |= {key: kinds.fallback(kind_of[key]) for key in unfit if key not in untidy}
        tidy -= untidy
    blank, surplus, rows = found[BLANK], found[SURPLUS], found["all"] - found[BLANK]
    if rows == 0:
        raise CannotAnalyse("header_only")
    if surplus > rows * MAX_SURPLUS:
        raise CannotAnalyse("ragged")
    columns = [
        Column(key, name, kind_of[key], rows - found[key] - _bad(found, key), _bad(found, key))
        for key, name, own in zip(keys, layout.names, layout.named, strict=True)
        if own or found[key]
    ]
    return Table(parquet, rows, blank, surplus, len(keys) - len(columns), columns)


def _write(cleaned: pl.LazyFrame, kind_of: dict[str, Kind], parquet: Path) -> dict[str, int]:
    """Write the table as the kinds read it; return how many values did (under each key) and did not.

    `<key> bad` counts values that do not read (all text reads), `<key> wider` those of them that the fallback reads.
    """
    read = {key: kind for key, kind in kind_of.items() if kind is not kinds.TEXT}  # every text reads as text
    typed = [kind.read(pl.col(key)).alias(f"{key} typed") for key, kind in read.items()]
    filled = pl.any_horizontal(pl.col(list(kind_of)).is_not_null())
    flags = [(~filled).alias(BLANK), pl.col(SURPLUS).is_not_null()]
    for key, kind in read.items():
        bad = pl.col(key).is_not_null() & pl.col(f"{key} typed").is_null()
        flags.append(bad.alias(f"{key} bad"))
        if kind.fallback and kind.name in {"integer", "boolean"}:
            # Whole numbers with fractions further down are numbers; 0 and 1 with a 2 are whole numbers.
            wider = kinds.fallback(kind).read(pl.when(bad).then(pl.col(key))).is_not_null()
            flags.append(wider.alias(f"{key} wider"))
    values = [pl.col(f"{key} typed").alias(key) if key in read else pl.col(key) for key in kind_of]
    cleaned.with_columns(typed).select(*values, *flags).sink_parquet(parquet, compression="lz4", statistics=False)
    counts = [pl.len().alias("all"), *map(pl.count, kind_of), pl.selectors.exclude(list(kind_of)).sum()]
    return pl.scan_parquet(parquet).select(counts).collect(engine="streaming").row(0, named=True)


def _bad(found: dict[str, int], key: str) -> int:
    return found.get(f"{key} bad", 0)


def _fits(found: dict[str, int], key: str) -> bool:
    bad = _bad(found, key)
    return bad <= (1 - FITS) * (found[key] + bad) and not found.get(f"{key} wider")
