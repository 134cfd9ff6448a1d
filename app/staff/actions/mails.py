"""Sending a mail once more."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.mail.service import queue_again
from app.models import Mail, Order
from app.staff.actions.action import Action, Asked, CantDoError, Deed
from app.staff.words import MAILS


def _mails(session: Session, order: Order) -> Sequence[tuple[str, str]]:
    mails = session.scalars(select(Mail).where(Mail.order_id == order.id).order_by(Mail.created_at.desc()))
    return [(mail.id, str(MAILS.get(mail.kind, mail.kind))) for mail in mails]


def _resend(session: Session, deed: Deed) -> str:
    mail = session.get(Mail, deed.values["mail"])
    if mail is None or mail.order_id != deed.order.id:
        raise CantDoError(gettext("This mail is not of this order."), field="mail")
    queue_again(session, mail, deed.order, once=deed.once)
    return str(gettext("The mail is on its way to %(address)s once more.", address=deed.order.email))


RESEND = Action(
    key="resend",
    title=lazy_gettext("Send a mail once more"),
    explains=lazy_gettext("It goes to the address that the order has now, with what is true now."),
    permission="orders.act",
    possible=lambda order: order.erased_at is None,
    do=_resend,
    asks=(Asked("mail", lazy_gettext("Mail"), options=_mails),),
    bulk=True,
)
