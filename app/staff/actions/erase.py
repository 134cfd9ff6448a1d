"""Deleting everything about a customer who asks for it in another way than on their own page (AC-P02)."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.kit.addresses import BadAddressError, canonical
from app.models import Order
from app.privacy import wish
from app.staff.actions.action import Action, Asked, CantDoError, Deed


def _erase(session: Session, deed: Deed) -> str:
    order = deed.order
    try:
        same = canonical(deed.values["email"]) == order.email
    except BadAddressError:
        same = False
    if not same:
        raise CantDoError(gettext("This is not the address of the order."), field="email")
    try:
        deed.noted["what"] = wish.forget_in(session, order.email, order.locale, deed.actor)
    except wish.StandsInTheWayError:
        text = gettext("Money or a result is on its way in one of the orders. Please try again when it has arrived.")
        raise CantDoError(text) from None
    return str(gettext("Everything that names this customer is being deleted. The last mail to them is on its way."))


def _concerned(session: Session, order: Order) -> Sequence[tuple[str, str]]:
    orders = wish.orders_of(session, order.email)
    blocked = [(one.id[:8], str(wish.OBSTACLES[why])) for one in orders if (why := wish.obstacle(one))]
    return [(str(gettext("Orders of this address")), str(len(orders))), *blocked]


ERASE = Action(
    key="erase",
    title=lazy_gettext("Delete everything about this customer"),
    explains=lazy_gettext(
        "All orders of this address lose their files, results, names and mails, and every login ends. This can't be"
        " undone. Amounts and dates of payments stay, without a name. Only when the customer has asked for it, and you"
        " are sure who asks."
    ),
    permission="orders.delete",
    possible=lambda order: order.erased_at is None,
    do=_erase,
    asks=(Asked("email", lazy_gettext("Type the customer's e-mail address to confirm"), kind="email"),),
    shows=_concerned,
    prepare=lambda order: wish.close_pages(order.email),
    locks=lambda session, order: wish.lock_orders(session, order.email),
    reason=True,
    proved=True,
    danger=True,
)
