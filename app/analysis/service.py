"""The analysis of an order: start, run, finish. Each is a step of the job and may be repeated."""

from sqlalchemy.orm import Session

from app.analysis.again import call_staff
from app.analysis.program import Outcome, analyse, columns_of, ended
from app.mail.service import OrderMail, queue_mail
from app.models import Order
from app.orders.content import looked_at
from app.orders.lifecycle import lock, move_work, record
from app.orders.records import keep
from app.orders.states import PAID
from app.portal import portal

MAILS: dict[str, OrderMail] = {"rejected": "cannot_analyse", "failed": "analysis_failed"}


def start(order_id: str) -> bool:
    """Move the order to `analysing`; returns whether there is something to analyse, also when asked again."""
    with portal.database.transaction() as session:
        order = session.get(Order, order_id)
        if order is None:
            return False
        if order.state == "uploaded" and not looked_at(order):
            return False
        move_work(session, order, "started", "worker", portal.clock(), progress=0)
        return order.state == "analysing"


def run_program(order_id: str) -> Outcome:
    """Run the product's program and store what it made; raises StorageDownError, then it may be repeated."""
    with portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
    product = portal.catalog.product(order.product)
    if product is None:
        outcome = ended("failed", f"the product {order.product} is not in the catalog any more")
    else:
        outcome = analyse(order, product)
    with portal.database.transaction() as session:
        if session.get_one(Order, order_id).erased_at is not None:
            return outcome
    if order.state != "analysing" and outcome["event"] != "analysed":
        return outcome  # the result that the order has is still its result
    more = {"state": outcome["event"], "attention": outcome["attention"], **columns_of(outcome)}
    keep(portal.storage, "analysis", order, **more)
    return outcome


def finish(order_id: str, outcome: Outcome) -> None:
    """Write down how the run ended and start what follows, once, in one transaction."""
    now = portal.clock()
    with portal.database.transaction() as session:
        order = lock(session, order_id)
        if order.erased_at is not None:
            _forget(session, order, outcome)
            return
        event = outcome["event"]
        if not move_work(session, order, event, "worker", now, **columns_of(outcome)):
            return
        if event == "analysed":
            _offer_result(session, order)
            return
        record(session, order.id, f"analysis.{event}", "worker", now, cause=outcome["cause"])
        if event in MAILS:
            queue_mail(session, MAILS[event], order)
        if event != "failed":
            call_staff(order)
        order.attention = order.attention or outcome["attention"]


def _forget(session: Session, order: Order, outcome: Outcome) -> None:
    """End an order whose customer asked to be forgotten meanwhile; what this run has stored goes as well."""
    if move_work(session, order, "cancelled", "worker", portal.clock()):
        portal.jobs.enqueue(session, "privacy.files", order.id, key=f"privacy.files:{order.id}:{outcome['at']}")


def _offer_result(session: Session, order: Order) -> None:
    if order.money in PAID:
        portal.jobs.enqueue(session, "delivery.build", order.id)
    elif order.money == "unpaid":
        queue_mail(session, "choose_payment", order)
