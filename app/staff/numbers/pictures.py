"""The charts of the page: which numbers are drawn, in which order, under which words."""

from collections.abc import Mapping

from flask_babel import gettext

from app.catalog import Catalog, Method
from app.kit.money import yen
from app.staff.numbers import words
from app.staff.numbers.charts import Bar, Chart, Row, Series, columns, rows
from app.staff.numbers.fees import Fee
from app.staff.numbers.money import Refunds, Sales, Sums, Vouchers
from app.staff.numbers.period import Period
from app.staff.numbers.spread import Spread
from app.staff.numbers.work import Analyses
from app.web.texts import locale

KINDS = ("one", "two", "three")
HOUR = 3600  # seconds
PAID_WITHIN = (HOUR, 6 * HOUR, 24 * HOUR, 48 * HOUR, 72 * HOUR)
NOTHING = Sums()
Rows = list[tuple[Row, Chart]]


def kinds_of(methods: Mapping[str, str]) -> dict[str, str]:
    """Return how each payment method is drawn."""
    return {key: KINDS[number % len(KINDS)] for number, key in enumerate(methods)}


def sales_chart(sold: Sales, period: Period, methods: Mapping[str, str]) -> Chart:
    """Draw what was paid each day."""
    series = [
        Series(kind, methods[key], [sold.by_day.get((day, key), NOTHING).yen for day in period.days])
        for key, kind in kinds_of(methods).items()
    ]
    return columns([words.day(day) for day in period.days], series, _yen)


def refunds_chart(back: Refunds, period: Period) -> Chart:
    """Draw what went back each day."""
    values = [back.by_day.get(day, NOTHING).yen for day in period.days]
    return columns([words.day(day) for day in period.days], [Series("back", "", values)], _yen)


def fee_chart(lines: list[Fee], catalog: Catalog, products: Mapping[str, str], methods: Mapping[str, str]) -> Rows:
    """Draw Stripe's share of each price, as it is and as the catalog assumes; the largest first."""
    known: dict[str, Method] = {method.key: method for method in catalog.methods}
    drawn = []
    for line in sorted(lines, key=lambda line: line.share or line.assumed_share or 0, reverse=True):
        verdict = line.verdict(known.get(line.method))
        true, assumed = words.percent(line.share), words.percent(line.assumed_share)
        bars = []
        if line.share is not None:
            bars.append(Bar(f"true {verdict}", gettext("truly %(share)s", share=true), float(line.share)))
        if line.assumed_share is not None:
            text = gettext("assumed %(share)s", share=assumed)
            bars.append(Bar(f"assumed {verdict}", text, float(line.assumed_share)))
        if not bars:
            continue  # paid without Stripe
        note = bars[0].text
        if len(bars) > 1:
            note = gettext("truly %(true)s, assumed %(assumed)s", true=true, assumed=assumed)
        if verdict != "ok":
            note = f"{note}: {words.VERDICTS[verdict][1]}"
        name = f"{products.get(line.product, line.product)} / {methods.get(line.method, line.method)}"
        drawn.append(Row(name, bars, note, verdict))
    return rows(drawn)


def voucher_chart(vouchers: Vouchers) -> Rows:
    """Draw what became of the vouchers."""
    total = vouchers.states.total()
    parts = {"paid": vouchers.paid, "waiting": vouchers.waiting, "over": vouchers.over}
    return rows([_share_row(str(words.VOUCHERS[key]), count, total) for key, count in parts.items()])


def time_to_pay_chart(times: Spread) -> Rows:
    """Draw how soon vouchers are paid."""
    names = [gettext("within %(time)s", time=words.duration(end)) for end in PAID_WITHIN]
    names.append(gettext("later"))
    counts = times.steps(PAID_WITHIN)
    return rows([_share_row(name, count, times.total) for name, count in zip(names, counts, strict=True)])


def funnel_chart(stages: Mapping[str, int]) -> Rows:
    """Draw how many orders come how far."""
    first = stages["ordered"]
    return rows([_share_row(str(name), stages[stage], first) for stage, name in words.STAGES.items()])


def analyses_chart(analyses: Mapping[str, Analyses], products: Mapping[str, str]) -> Rows:
    """Draw how long the analyses of each product take: most of them, and nearly all."""
    drawn = []
    for key, found in analyses.items():
        half, nearly = found.times.within(50), found.times.within(95)
        if half is None or nearly is None:
            continue
        texts = [
            gettext("half within %(time)s", time=words.duration(half)),
            gettext("95%% within %(time)s", time=words.duration(nearly)),
        ]
        bars = [Bar("one", texts[0], half), Bar("two", texts[1], nearly)]
        drawn.append(Row(products.get(key, key), bars, ", ".join(texts)))
    return rows(drawn)


def _share_row(name: str, count: int, whole: int) -> Row:
    text = f"{count:,} ({words.rate(count, whole)})"
    return Row(f"{name}: {text}", [Bar("one", "", count)])


def _yen(amount: int) -> str:
    return yen(amount, locale())
