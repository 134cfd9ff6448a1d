"""Money that came by bank transfer: staff see it on the company's bank account, Stripe never hears of it.

Such a payment has no Checkout Session, so nothing that asks Stripe looks at it; the order's record in the object store
keeps it, for a rebuilt ledger.
"""

from sqlalchemy.orm import Session

from app.catalog import BANK_TRANSFER
from app.checkout.balance import balance
from app.models import Order, Payment
from app.orders.lifecycle import move_payment
from app.portal import portal


def book(session: Session, order: Order, *, actor: str, once: str) -> None:
    """Take the order's price as paid by bank transfer; its row is locked. `once`: the payment's id."""
    now = portal.clock()
    payment = Payment(
        id=once,
        order_id=order.id,
        method=BANK_TRANSFER,
        price=order.price,
        handling=0,
        amount=order.price,
        state="abandoned",  # not an open one, of which an order has one only
        terms_version=order.terms_version or portal.catalog.terms.version,
        created_at=now,
    )
    session.add(payment)
    move_payment(session, payment, "paid", actor, now, paid_at=now)
    balance(session, order)
    portal.jobs.enqueue(session, "orders.record", order.id, key=f"orders.record:{once}")
