"""The steps of an order as its page shows them, in the order in which they happen for this product."""

from datetime import datetime
from typing import Any

from flask_babel import gettext

from app.models import Order
from app.orders.states import DISPUTE_LOST

_STEPS = {
    "after_analysis": ("ordered", "uploaded", "analysed", "paid", "delivered"),
    "before_analysis": ("ordered", "uploaded", "paid", "analysed", "delivered"),
}
_STOPPED = {"rejected", "failed", "cancelled", "abandoned"}


def timeline(order: Order) -> list[dict[str, Any]]:
    """Return steps as `{state, title, at}`; state is done, current, waiting or failed."""
    moments = {
        "ordered": order.created_at,
        "uploaded": order.uploaded_at,
        "analysed": order.analysed_at,
        "paid": order.paid_at,
        "delivered": order.delivered_at,
    }
    steps: list[dict[str, Any]] = []
    before_done = True
    stopped = order.state in _STOPPED or order.money == "refunded"
    for name in _STEPS[order.charge]:
        at = moments[name]
        state = "done" if at else "current" if before_done else "waiting"
        if state == "current" and stopped:
            state = "failed"
        steps.append({"state": state, "title": _title(name, at), "at": at})
        before_done = at is not None
    return [*steps, _money_back(order)] if order.money == "refunded" else steps


def _money_back(order: Order) -> dict[str, Any]:
    """Return the step of an order whose money goes back, or was taken back by the bank."""
    if any(payment.dispute in DISPUTE_LOST for payment in order.payments):
        return {"state": "done", "title": gettext("Taken back by the card company"), "at": None}
    newest = [payment.refunds[-1] for payment in order.payments if payment.refunds]
    under_way = any(refund.state in {"requires_action", "pending"} for refund in newest)
    begun = max((refund.created_at for refund in newest), default=None)
    title = gettext("Refund under way") if under_way else gettext("Refunded")
    return {"state": "current" if under_way else "done", "title": title, "at": begun}


def _title(name: str, at: datetime | None) -> str:
    titles = {
        "ordered": (gettext("Order"), gettext("Ordered")),
        "uploaded": (gettext("Upload"), gettext("File arrived")),
        "analysed": (gettext("Analysis"), gettext("Analysed")),
        "paid": (gettext("Payment"), gettext("Payment confirmed")),
        "delivered": (gettext("Result"), gettext("Result opened")),
    }
    return str(titles[name][1 if at else 0])
