"""Correcting the address of one order, where it was misspelt or the customer has another one now."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kit.addresses import BadAddressError, canonical, masked
from app.login.address_change import is_staff
from app.mail.service import queue_account_mail, queue_mail
from app.models import Order
from app.orders.owners import hand_over
from app.portal import portal
from app.staff.actions.action import Action, Asked, CantDoError, Deed

FEW = 100


def _correct(session: Session, deed: Deed) -> str:
    order, old = deed.order, deed.order.email
    try:
        new = canonical(deed.values["email"])
    except BadAddressError:
        text = gettext("Please write it like name@example.jp, in half-width letters.")
        raise CantDoError(text, field="email") from None
    if new == old:
        raise CantDoError(gettext("This is the address that the order has already."), field="email")
    # Whoever owns an order opens its result: staff see a customer's files in another way, which is written down.
    if is_staff(session, new):
        raise CantDoError(gettext("An order can't be given to a member of staff."), field="email")
    hand_over(session, order, new, portal.clock())
    params = {"order": order.id, "once": deed.once}
    queue_account_mail(session, "address_corrected_old", old, order.locale, params=params)
    queue_mail(session, "address_corrected", order, once=deed.once)
    deed.noted.update(old=masked(old), new=masked(new))
    return str(gettext("The order belongs to %(address)s now. Both addresses are told.", address=new))


def _others(session: Session, order: Order) -> Sequence[tuple[str, str]]:
    """Say how many orders stay: counted up to a bound, as an address may have any number."""
    some = select(Order.id).where(Order.email == order.email, Order.id != order.id).limit(FEW + 1).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    return [(str(gettext("Other orders of this address, which stay")), str(count) if count <= FEW else f"{FEW}+")]


EMAIL = Action(
    key="email",
    title=lazy_gettext("Correct the e-mail address"),
    explains=lazy_gettext(
        "This order goes to another address, with its result and its mails that still wait; other orders stay. Whoever"
        " reads the mail of the new address can open the result, so please make sure that it is the customer's. Both"
        " addresses are told. Stripe goes on knowing payments by the old one."
    ),
    permission="orders.act",
    possible=lambda order: order.erased_at is None,
    do=_correct,
    asks=(Asked("email", lazy_gettext("New e-mail address"), kind="email"),),
    shows=_others,
    reason=True,
    proved=True,
)
