"""Charts as geometry: nothing overflows, everything adds up."""

import pytest

from app.staff.numbers.charts import HEAD, PLOT, Bar, Row, Series, columns, round_up, rows
from app.staff.numbers.spread import Spread
from app.staff.numbers.words import duration, rate


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (1, 1), (2, 2), (3, 5), (5, 5), (6, 10), (10, 10), (11, 20), (999, 1000), (1000, 1000), (1001, 2000),
     (10**15, 10**15), (10**15 + 1, 2 * 10**15)],
)  # fmt: skip
def test_the_top_of_a_chart_is_a_round_number(value: int, top: int) -> None:
    assert round_up(value) == top


def test_columns_stand_on_each_other() -> None:
    chart = columns(["a", "b", "c"], [Series("one", "A", [3, 0, 10]), Series("two", "B", [2, 0, 0])], str)
    assert [(box.kind, box.title) for box in chart.boxes] == [("one", "a A: 3"), ("two", "a B: 2"), ("one", "c A: 10")]
    lower, upper, highest = chart.boxes
    assert upper.y + upper.height == pytest.approx(lower.y) == HEAD + PLOT * 0.7
    assert (highest.y, highest.height) == (HEAD, PLOT)
    assert all(box.x >= 0 and box.x + box.width <= 100 for box in chart.boxes)
    assert lower.x + lower.width < highest.x
    assert [words.text for words in chart.words] == ["5", "10", "a", "b", "c"]
    assert chart.lines == [HEAD + PLOT / 2, HEAD, HEAD + PLOT]


def test_nothing_is_drawn_of_nothing() -> None:
    assert columns(["a"], [Series("one", "A", [0])], str).boxes == []
    assert columns([], [], str).boxes == []
    assert rows([]) == []
    assert [box.width for _, chart in rows([Row("a", [Bar("one", "", 0)])]) for box in chart.boxes] == [0]


def test_rows_have_one_scale_and_the_longest_fills_the_width() -> None:
    lines = [Row("a", [Bar("true", "x", 0.1), Bar("assumed", "y", 0.4)], "note", "eats"), Row("b", [Bar("", "", 0.2)])]
    (first, chart), (_, other) = rows(lines)
    assert first is lines[0]
    assert [box.width for box in (*chart.boxes, *other.boxes)] == [25, 100, 50]
    assert [box.title for box in chart.boxes] == ["a x", "a y"]
    edges = [(box.y, box.y + box.height) for box in chart.boxes]
    assert edges[0][1] < edges[1][0]
    assert edges[1][1] <= chart.height


def test_how_durations_lie() -> None:
    spread = Spread()
    assert (spread.within(50), spread.steps([10]), spread.total) == (None, [0, 0], 0)
    for seconds in range(1, 101):
        spread.add(seconds, 1)
    spread.add(-5, 0)
    assert [spread.within(percent) for percent in (1, 50, 95, 100)] == [1, 50, 95, 100]
    assert spread.steps([10, 50]) == [10, 40, 50]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0 s"), (1, "1 s"), (119, "119 s"), (120, "2 min"), (3600, "60 min"), (7200, "2 h"),
     (86_400, "24 h"), (200_000, "2.3 days")],
)  # fmt: skip
def test_a_time_in_the_unit_that_suits_it(app: object, seconds: int | None, text: str) -> None:
    from flask_babel import force_locale  # noqa: PLC0415

    with app.app_context(), force_locale("en"):  # type: ignore[attr-defined]
        assert duration(seconds) == text


def test_a_share_of_nothing() -> None:
    assert rate(0, 0) == "-"
    assert rate(1, 3) == "33.3%"
