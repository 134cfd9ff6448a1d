"""Where the table is in a text file: delimiter, lines before it, header rows, names of columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from analyses.csv_profile.kinds import is_missing, looks_typed
from analyses.kit.program import CannotAnalyse

SAMPLE = 1 << 20  # bytes of UTF-8 looked at
SAMPLE_RECORDS = 2000
BODY = 200  # rows that tell what a column holds, to find the header above them
MAX_COLUMNS = 2000
MAX_HEADER_ROWS = 8
MAX_NAME = 120  # characters
DELIMITERS = (",", "\t", ";", "|")
NO_DELIMITER = "\x1f"  # a table of one column: a character that no text holds
LOOSE, FIRM = 0.5, 0.8  # share of records as wide as most: below LOOSE no table, below FIRM ragged
PROSE = 60  # characters: cells that are longer on average and never a number or date are sentences

Record = list[str]


@dataclass(frozen=True)
class Layout:
    """How to read the table: what `table.scan` needs and what the report says of it."""

    delimiter: str
    preamble: int  # physical lines before the table
    header_rows: int
    skip_lines: int  # physical lines before the first row of data
    names: list[str]  # unique, one a column
    named: list[bool]  # whether the name is the file's own
    caption: str  # a header row with the same words in every column says nothing of any of them


@dataclass(frozen=True)
class _Fit:
    delimiter: str
    records: list[Record]  # without blank ones
    begins: list[int]  # physical lines before each record
    ends: list[int]  # physical lines up to its end
    width: int
    start: int  # index of the first record of the table
    share: float

    @property
    def firmness(self) -> float:
        rest = self.records[self.start + 1 :] or self.records
        return sum(len(record) == self.width for record in rest) / len(rest)


def sniff(path: Path, unnamed: str) -> Layout:
    """Find the table in the UTF-8 file `path`; columns without a name become `unnamed` + number.

    Raises CannotAnalyse.
    """
    lines = _sample_lines(path)
    _refuse_markup(lines)
    fits = [_fit(lines, delimiter) for delimiter in DELIMITERS]
    fit = max(fits, key=lambda fit: (fit.width > 1, fit.share, fit.width))
    if fit.width < 2 or fit.share < LOOSE:  # noqa: PLR2004 - a table has two columns, or one typed one
        fit = _single_column(lines)
    _refuse_no_table(fit)
    table = [_padded(record, fit) for record in fit.records[fit.start :]]
    header_rows = count_header_rows(table)
    if len(table) == header_rows or len(table) < 2:  # noqa: PLR2004
        raise CannotAnalyse("header_only")
    header, caption = _without_caption(table[:header_rows])
    joined = [_joined(row[index] for row in header) for index in range(fit.width)]
    return Layout(
        delimiter=fit.delimiter,
        preamble=fit.begins[fit.start],
        header_rows=header_rows,
        skip_lines=fit.ends[fit.start + header_rows - 1] if header_rows else fit.begins[fit.start],
        names=unique_names([name or f"{unnamed} {number}" for number, name in enumerate(joined, 1)]),
        named=[bool(name) for name in joined],
        caption=caption,
    )


def _sample_lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        more = bool(file.read(1))
    if more:
        whole, newline, rest = head.rpartition(b"\n")
        if len(rest) > SAMPLE // 2:
            widest = max(head.count(delimiter.encode()) for delimiter in DELIMITERS)
            if widest > MAX_COLUMNS:
                raise CannotAnalyse("too_many_columns", columns=f"{widest:,}+", limit=f"{MAX_COLUMNS:,}")
            raise CannotAnalyse("huge_field")
        head = whole + newline
    # Split on LF alone, as the table reader does (splitlines knows many more ends).
    return [line + "\n" for line in head.decode("utf-8-sig").removesuffix("\n").split("\n")]


def _refuse_markup(lines: Sequence[str]) -> None:
    start = "".join(lines[:3]).lstrip()[:200].lower()
    if re.match(r"<(!doctype|html|\?xml)|\{\s*[\"}]|\[\s*[\[{\"\d]", start):
        raise CannotAnalyse("markup")


def _records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[Record, int]]:
    csv.field_size_limit(SAMPLE)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for record in reader:
            yield record, reader.line_num
    except csv.Error:
        raise CannotAnalyse("huge_field") from None


def _fit(lines: Sequence[str], delimiter: str) -> _Fit:
    records: list[Record] = []
    begins: list[int] = []
    ends: list[int] = []
    begin = 0
    for record, end in _records(lines, delimiter):
        if any(cell.strip() for cell in record):
            records.append(record)
            begins.append(begin)
            ends.append(end)
        begin = end
        if len(records) == SAMPLE_RECORDS:
            break
    if not records:
        raise CannotAnalyse("empty")
    widths = Counter(map(len, records))
    width = max(widths, key=lambda width: (widths[width], width))
    start = next(index for index, record in enumerate(records) if len(record) == width)
    # Rows that all end in a delimiter, or carry row names, under a header that does not.
    if start and len(records[start - 1]) == width - 1 > 1:
        start -= 1
    return _Fit(delimiter, records, begins, ends, width, start, widths[width] / len(records))


def _single_column(lines: Sequence[str]) -> _Fit:
    """Take the file as one column if it is one of numbers or dates below at most one name."""
    fit = _fit(lines, NO_DELIMITER)
    values = [record[0] for record in fit.records[1:] if not is_missing(record[0])]
    if sum(map(looks_typed, values)) < 0.9 * len(values) or not values:
        raise CannotAnalyse("no_table" if len(fit.records) > 1 else "one_line")
    return fit


def _refuse_no_table(fit: _Fit) -> None:
    if fit.width > MAX_COLUMNS:
        raise CannotAnalyse("too_many_columns", columns=f"{fit.width:,}", limit=f"{MAX_COLUMNS:,}")
    if fit.firmness < FIRM:
        raise CannotAnalyse("ragged")
    cells = [cell for record in fit.records[fit.start :] for cell in record]
    if sum(map(len, cells)) > PROSE * len(cells) and not any(map(looks_typed, cells)):
        raise CannotAnalyse("no_table")


def _padded(record: Record, fit: _Fit) -> Record:
    """Give `record` the table's width; a header one cell short lacks its first name or an empty last one."""
    short = fit.width - len(record)
    if short == 1 and record is fit.records[fit.start]:
        later = fit.records[fit.start + 1 :]
        if any(len(other) == fit.width and other[-1].strip() for other in later):
            return ["", *record]
    return (record + [""] * short)[: fit.width]


def count_header_rows(table: Sequence[Record]) -> int:
    """Count the rows at the top that name columns: words where the body has numbers or dates."""
    body = table[max(1, min(MAX_HEADER_ROWS, len(table) // 2)) :][:BODY]
    typed = [index for index in range(len(table[0])) if _is_typed_column(body, index)]
    if _is_run_of_years(table[0]):
        return 1
    count = 0
    for row in table[:MAX_HEADER_ROWS]:
        cells = [row[index] for index in typed if not is_missing(row[index])]
        data = sum(map(looks_typed, cells))
        words = len(cells) - data
        if not (words > data or (count == 0 and data == 0)):
            break
        count += 1
        if not typed:
            break
    return count


def _is_typed_column(body: Sequence[Record], index: int) -> bool:
    values = [row[index] for row in body if not is_missing(row[index])]
    return bool(values) and sum(map(looks_typed, values)) > 0.6 * len(values)


def _is_run_of_years(row: Record) -> bool:
    """Tell a header such as `country,2019,2020,2021`, whose names are numbers."""
    numbers = [int(cell) for cell in row if re.fullmatch(r"(19|20)\d\d", cell.strip())]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) > 1 and len(numbers) >= len(row) - 2 and steps in ({1}, {5}, {10}, {-1})


def _without_caption(header: Sequence[Record]) -> tuple[list[Record], str]:
    """Split off the rows that say the same of every column, such as the place of all measurements."""
    rows, captions = [], []
    for row in header:
        words = {cell.strip() for cell in row} - {""}
        if len(header) > 1 and len(words) == 1 and sum(map(bool, row)) > len(row) // 2:
            captions.append(words.pop())
        else:
            rows.append(row)
    return rows, " ".join(captions)


def _joined(cells: Iterable[str]) -> str:
    """Join what the header rows say of one column, each part once."""
    parts = dict.fromkeys(" ".join(cell.split()) for cell in cells)
    return " ".join(part for part in parts if part)[:MAX_NAME]


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names, repeated ones with numbers: a, a (2), a (3)."""
    taken: dict[str, None] = {}
    for name in names:
        number, candidate = 1, name
        while candidate in taken:
            number += 1
            candidate = f"{name} ({number})"
        taken[candidate] = None
    return list(taken)
