"""The page of numbers: what was sold, what it cost, how far orders come, how long things take."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.checkout.fees import MARK
from app.models import Mark
from app.portal import portal
from app.staff import words as staff_words
from app.staff.numbers import pictures, words
from app.staff.numbers.fees import by_method, fees, other_costs
from app.staff.numbers.money import refunds, sales, vouchers
from app.staff.numbers.period import EARLIEST, PRESETS, last_days, period_of
from app.staff.numbers.work import analyses, funnel
from app.staff.permissions import permitted

blueprint = Blueprint("staff_numbers", __name__, url_prefix="/staff/numbers")


@blueprint.get("")
@permitted("numbers.see")
def index() -> ResponseReturnValue:
    """Show the numbers of the days that the address names."""
    now, catalog = portal.clock(), portal.catalog
    period = period_of(request.args.get("from", ""), request.args.get("to", ""), now)
    products, methods = staff_words.products(), staff_words.methods()
    with portal.database.transaction() as session:
        sold, back, slips = sales(session, period), refunds(session, period), vouchers(session, period)
        lines, costs = fees(session, catalog, period), other_costs(session, period)
        stages, runs = funnel(session, period), analyses(session, period)
        mark = session.get(Mark, MARK)
    methods |= {key: key for key in sold.by_method if key not in methods}  # one that the catalog no longer has
    charts = {
        "sales": pictures.sales_chart(sold, period, methods),
        "fees": pictures.fee_chart(lines, catalog, products, methods),
        "vouchers": pictures.voucher_chart(slips),
        "time_to_pay": pictures.time_to_pay_chart(slips.time_to_pay),
        "funnel": pictures.funnel_chart(stages),
        "analyses": pictures.analyses_chart(runs, products),
        "refunds": pictures.refunds_chart(back, period),
    }
    return render_template(
        "staff/numbers/index.html",
        period=period,
        presets=[(count, last_days(count, now)) for count in PRESETS],
        earliest=EARLIEST,
        sold=sold,
        back=back,
        slips=slips,
        lines=lines,
        costs=costs,
        totals=by_method(lines),
        stages=stages,
        runs=runs,
        told_until=mark.at if mark else None,
        charts=charts,
        legend=[(kind, methods[key]) for key, kind in pictures.kinds_of(methods).items() if key in sold.by_method],
        paid_within=pictures.PAID_WITHIN,
        known={method.key: method for method in catalog.methods},
        products=products,
        methods=methods,
        words=words,
        states=staff_words.REFUND,
    )
