"""The geometry of charts that the server draws as SVG: across in percent, so that they fit every screen, down in px.

Colours and patterns are classes (static/src/css/numbers.css). templates/staff/numbers/_charts.html writes the elements.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

PLOT = 200  # px, the height of columns
HEAD, FOOT = 24, 26  # px above and below them, for writing
GAP = 0.2  # share of a column's place that stays empty
BAR, BETWEEN = 14, 2  # px: a bar, the space between two of a row
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Box:
    """A filled rectangle: x and width in percent, y and height in px. `title` says what it stands for."""

    kind: str
    title: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Words:
    """A piece of writing, its base line at y; `anchor` is SVG's word (start, middle, end)."""

    text: str
    x: float
    y: float
    anchor: str = "start"


@dataclass(frozen=True)
class Chart:
    """All that is drawn: boxes over lines (at their y), and the writing. `height` in px."""

    height: int
    boxes: list[Box]
    lines: list[float]
    words: list[Words]


@dataclass(frozen=True)
class Series:
    """Values of one kind, one for each column."""

    kind: str
    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Bar:
    """A bar of a row; `text` says what it stands for."""

    kind: str
    text: str
    value: float


@dataclass(frozen=True)
class Row:
    """Bars under a name; a `note` is written below them, in the `kind` of its verdict.

    Both are HTML beside the picture, not writing in it: SVG breaks no line, and a phone is narrow.
    """

    name: str
    bars: Sequence[Bar]
    note: str = ""
    kind: str = ""


def columns(names: Sequence[str], series: Sequence[Series], write: Callable[[int], str]) -> Chart:
    """Draw a column for each name, with the values of the series on top of each other; `write` writes a value."""
    top = round_up(max(map(sum, zip(*(one.values for one in series), strict=True)), default=0))
    place, floor_y = 100 / max(len(names), 1), HEAD + PLOT
    boxes = []
    for number, name in enumerate(names):
        y = float(floor_y)
        for one in series:
            value = one.values[number]
            height = PLOT * value / top
            y -= height
            if height:
                title = f"{' '.join(filter(None, (name, one.name)))}: {write(value)}"
                x, width = (number + GAP / 2) * place, (1 - GAP) * place
                boxes.append(Box(one.kind, title, _r(x), _r(y), _r(width), _r(height)))
    lines = {floor_y - PLOT * value / top: write(value) for value in sorted({top, top // 2} - {0})}
    words = [Words(text, 0, _r(y - 5)) for y, text in lines.items()]
    if names:
        middle = len(names) // 2
        words += [
            Words(names[number], x, floor_y + FOOT - 8, anchor)
            for number, x, anchor in ((0, 0, "start"), (middle, 50, "middle"), (len(names) - 1, 100, "end"))
        ]
    return Chart(floor_y + FOOT, boxes, [_r(y) for y in (*lines, floor_y)], words)


def rows(lines: Sequence[Row]) -> list[tuple[Row, Chart]]:
    """Draw the bars of each row from left to right; the longest of all fills the width."""
    most = max((bar.value for line in lines for bar in line.bars), default=0) or 1
    return [(line, _bars(line, most)) for line in lines]


def _bars(line: Row, most: float) -> Chart:
    boxes = [
        Box(bar.kind, f"{line.name} {bar.text}", 0, number * (BAR + BETWEEN), _r(100 * bar.value / most), BAR)
        for number, bar in enumerate(line.bars)
    ]
    return Chart(len(boxes) * (BAR + BETWEEN), boxes, [], [])


def round_up(value: int) -> int:
    """Return the next round number: 1, 2 or 5 with zeros."""
    if value <= 1:
        return 1
    tens = 10 ** floor(log10(value))
    return int(next(step * tens for step in STEPS if step * tens >= value))


def _r(number: float) -> float:
    return round(number, 3)
