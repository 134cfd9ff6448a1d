"""Mails: one that was sent before once more, and a new way to pay."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.checkout.service import payable
from app.mail.letters import LETTERS, NotNeededError, pay_link
from app.mail.service import queue_again, queue_mail
from app.models import Mail, Order
from app.staff.actions.action import Action, Asked, CantDoError, Deed
from app.staff.words import MAILS


def _kinds(session: Session, order: Order) -> Sequence[tuple[str, str]]:
    kinds = session.scalars(select(Mail.kind).where(Mail.order_id == order.id).order_by(Mail.created_at.desc()))
    return [(kind, str(MAILS.get(kind, kind))) for kind in dict.fromkeys(kinds)]


def _resend(session: Session, deed: Deed) -> str:
    of_kind = select(Mail).where(Mail.order_id == deed.order.id, Mail.kind == deed.values["mail"])
    mail = session.scalars(of_kind.order_by(Mail.created_at.desc(), Mail.id).limit(1)).one()
    try:
        LETTERS[mail.kind].context(session, mail)
    except NotNeededError:
        raise CantDoError(gettext("This mail would not be true any more."), field="mail") from None
    queue_again(session, mail, deed.order, once=deed.once)
    deed.noted["mail"] = mail.kind
    return str(gettext("The mail is on its way to %(address)s once more.", address=deed.order.email))


RESEND = Action(
    key="resend",
    title=lazy_gettext("Send a mail once more"),
    explains=lazy_gettext(
        "The newest one of its kind goes to the address that the order has now, with what is true now."
    ),
    permission="orders.act",
    possible=lambda order: order.erased_at is None,
    do=_resend,
    asks=(Asked("mail", lazy_gettext("Mail"), options=_kinds),),
    bulk=True,
)

BY_MAIL = "mail"


def _ways(_session: Session, _order: Order) -> Sequence[tuple[str, str]]:
    return [
        (BY_MAIL, str(gettext("Mail it to the customer"))),
        ("here", str(gettext("Show it here, to be copied"))),
    ]


def _pay_link(session: Session, deed: Deed) -> str:
    deed.noted["way"] = deed.values["way"]
    if deed.values["way"] != BY_MAIL:
        return pay_link(deed.order)
    queue_mail(session, "choose_payment", deed.order, once=deed.once)
    return str(gettext("A new link to pay is on its way to %(address)s.", address=deed.order.email))


PAY_LINK = Action(
    key="pay-link",
    title=lazy_gettext("New payment link"),
    explains=lazy_gettext(
        "It works for 30 days. Whoever has it sees the preview and can pay the order, but can't open the result."
    ),
    permission="orders.act",
    possible=lambda order: order.erased_at is None and payable(order),
    do=_pay_link,
    asks=(Asked("way", lazy_gettext("Where to"), options=_ways),),
    reason=True,  # it opens the preview, which is made of what the customer has sent (AC-S04)
    bulk=True,
)
