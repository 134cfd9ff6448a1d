"""What a column holds: number, date, true/false, words; guessed from samples, read by polars."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

MISSING = (
    "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "-", "--", "---", "//", "///", "…",
    "...", "―", "欠測", "欠損",
)  # fmt: skip
_MISSING = frozenset(MISSING)
ENOUGH = 0.95  # share of a sample that must read as a kind
DECORATION = "¥￥\\\\$€£%％円 "  # noqa: RUF001 - around numbers, as in ¥1,500 or 12 %

Read = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True)
class Kind:
    """One way to read a column: `name` is a key of the texts, `read` gives null for what does not fit.

    `read` takes strings, and what the CSV reader makes of them as `dtype`.
    """

    name: str
    matches: Callable[[str], bool]
    read: Read
    fallback: str | None = None  # the name of the kind to try when the whole file does not fit
    dtype: type[pl.DataType] = pl.String


def is_missing(cell: str) -> bool:
    """Tell whether a cell holds no value."""
    return cell.strip() in _MISSING


@lru_cache(maxsize=1 << 14)
def looks_typed(cell: str) -> bool:
    """Tell whether a cell reads as a number, a date or a time."""
    cell = cell.strip()
    return any(char.isdigit() for char in cell) and any(
        kind.matches(cell) for kind in KINDS if kind.name not in {"boolean", "text"}
    )


def clean(column: str) -> pl.Expr:
    """Trim a column of strings and make every way to write a missing value null."""
    trimmed = pl.col(column).str.strip_chars()
    return pl.when(trimmed.is_in(MISSING)).then(None).otherwise(trimmed).alias(column)


def guess(values: Sequence[str]) -> Kind:
    """Return the first kind that nearly all `values` (trimmed, none missing) match; text otherwise."""
    if not values or any(re.fullmatch(r"[-+]?0\d+|[-+]?\d{19,}", value) for value in values):
        return TEXT  # postal codes, telephone numbers and long ids are names, not amounts
    distinct = set(values)
    for true, false in BOOLEANS:
        if {value.lower() for value in distinct} == {true, false}:
            return boolean(true)
    likely = [kind for kind in KINDS if any(map(kind.matches, values[:20]))]
    for kind in likely:
        if sum(map(kind.matches, values)) >= ENOUGH * len(values):
            return kind
    return TEXT


def _pattern(regex: str) -> Callable[[str], bool]:
    compiled = re.compile(regex)
    return lambda cell: compiled.fullmatch(cell) is not None


def _finite(expr: pl.Expr) -> pl.Expr:
    number = expr.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number).otherwise(None)


def _decorated(expr: pl.Expr) -> pl.Expr:
    bare = expr.str.replace_all(rf"[{DECORATION},]", "").str.replace(r"^[△▲−－]", "-")  # noqa: RUF001
    return _finite(bare)


def _decimal_comma(expr: pl.Expr) -> pl.Expr:
    return _finite(expr.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))


def _date(pattern: str) -> Read:
    return lambda expr: expr.str.to_date(pattern, strict=False)


def _month(pattern: str) -> Read:
    return lambda expr: (expr + "#1").str.to_date(pattern + "#%d", strict=False)


def _datetime(pattern: str) -> Read:
    return lambda expr: expr.str.to_datetime(pattern, strict=False, time_unit="us")


def _datetime_zone(pattern: str) -> Read:
    def read(expr: pl.Expr) -> pl.Expr:
        offset = expr.str.replace(r"(?i)z$", "+0000").str.replace(r"([+-]\d\d):?(\d\d)$", "$1$2")
        return offset.str.to_datetime(pattern, strict=False, time_unit="us").dt.replace_time_zone(None)

    return read


def _time(expr: pl.Expr) -> pl.Expr:
    full = pl.when(expr.str.count_matches(":", literal=True) == 1).then(expr + ":00").otherwise(expr)
    return full.str.to_time("%H:%M:%S", strict=False)


def _kinds_of_dates() -> list[Kind]:
    """Return a kind for every way to write a date, alone and with a time of day."""
    month, day = r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
    clock = {
        "%H:%M": r"[ T]\d?\d:\d\d",
        "%H:%M:%S": r"[ T]\d?\d:\d\d:\d\d",
        "%H:%M:%S%.f": r"[ T]\d?\d:\d\d:\d\d\.\d+",
    }
    dates = {f"%Y{sep}%m{sep}%d": rf"[12]\d{{3}}{re.escape(sep)}{month}{re.escape(sep)}{day}" for sep in "-/."} | {
        "%Y年%m月%d日": rf"[12]\d{{3}}年{month}月{day}日",
        "%m/%d/%Y": rf"{month}/{day}/[12]\d{{3}}",
        "%d/%m/%Y": rf"{day}/{month}/[12]\d{{3}}",
        "%d.%m.%Y": rf"{day}\.{month}\.[12]\d{{3}}",
    }
    kinds = [Kind("date", _pattern(regex), _date(pattern)) for pattern, regex in dates.items()]
    for date, date_regex in dates.items():
        for time, time_regex in clock.items():
            for gap in " T":
                regex = date_regex + time_regex.replace("[ T]", gap)
                kinds.append(Kind("datetime", _pattern(regex), _datetime(f"{date}{gap}{time}")))
                if date == "%Y-%m-%d":
                    zoned = regex + r"(Z|z|[+-]\d\d:?\d\d)"
                    read = _datetime_zone(f"{date}{gap}{time}%z")
                    kinds.append(Kind("datetime", _pattern(zoned), read))
    kinds += [Kind("date", _pattern(rf"[12]\d{{3}}{sep}{month}"), _month(f"%Y{sep}%m")) for sep in "-/"]
    kinds.append(Kind("date", _pattern(rf"[12]\d{{3}}年{month}月"), _month("%Y年%m月")))
    return kinds


def boolean(true: str) -> Kind:
    """Return the kind of a column of two words, one of which means yes."""
    false = dict(BOOLEANS)[true]

    def read(expr: pl.Expr) -> pl.Expr:
        word = expr.str.to_lowercase()
        return pl.when(word == true).then(True).when(word == false).then(False).otherwise(None)

    return Kind("boolean", lambda cell: cell.lower() in {true, false}, read, "integer" if true == "1" else None)


BOOLEANS = (
    ("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("1", "0"), ("はい", "いいえ"), ("有", "無"),
    ("あり", "なし"), ("○", "×"), ("on", "off"),  # noqa: RUF001
)  # fmt: skip
TEXT = Kind("text", lambda _: True, lambda expr: expr)
# The first that matches wins, so the narrower comes first.
KINDS: tuple[Kind, ...] = (
    Kind(
        "date",
        _pattern(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
        _date("%Y%m%d"),
        "integer",
    ),
    Kind("integer", _pattern(r"[-+]?\d{1,18}"), lambda expr: expr.cast(pl.Int64, strict=False), "number", pl.Int64),
    Kind("number", _pattern(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"), _finite, dtype=pl.Float64),
    Kind("number", _pattern(r"[¥￥$€£]?[-+△▲−－]?[¥￥$€£]?\d{1,3}(,\d{3})*(\.\d+)? ?[%％円]?"), _decorated),  # noqa: RUF001
    Kind("number", _pattern(r"[¥￥$€£]?[-+△▲−－]?[¥￥$€£]?\d+(\.\d+)? ?[%％円]?"), _decorated),  # noqa: RUF001
    Kind("number", _pattern(r"[-+]?\d{1,3}(\.\d{3})*,\d+|[-+]?\d+,\d+"), _decimal_comma),
    *_kinds_of_dates(),
    Kind("time", _pattern(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"), _time),
)


def fallback(kind: Kind) -> Kind:
    """Return what to try when the whole file does not read as `kind`."""
    return next((other for other in KINDS if other.name == kind.fallback), TEXT)
