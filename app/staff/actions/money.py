"""Money: send some of it back, and book what came by bank transfer."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.checkout.service import close_pages, payable
from app.checkout.staff_refunds import CantRefundError, ask, can_go_back, left_of
from app.checkout.transfers import book
from app.errors import BadInputError
from app.kit.money import yen
from app.models import Order, Payment
from app.portal import portal
from app.staff.actions.action import Action, Asked, CantDoError, Deed
from app.staff.refunds.words import on_its_way, told, way
from app.staff.words import methods
from app.web.texts import locale

LONGEST_REFERENCE = 100  # characters


def _held(order: Order) -> list[Payment]:
    return [payment for payment in order.payments if can_go_back(payment)]


def _payments(session: Session, order: Order) -> Sequence[tuple[str, str]]:
    return [(payment.id, _amounts(session, payment)) for payment in _held(order)]


def _amounts(session: Session, payment: Payment) -> str:
    return str(
        gettext(
            "%(method)s, paid %(amount)s, can still go back %(left)s",
            method=methods().get(payment.method, payment.method),
            amount=yen(payment.amount, locale()),
            left=yen(left_of(session, payment), locale()),
        )
    )


def _ways(session: Session, order: Order) -> Sequence[tuple[str, str]]:
    """Tell of each payment what can go back, and by which way."""
    return [(_amounts(session, payment), way(payment.method)) for payment in _held(order)]


def _refund(session: Session, deed: Deed) -> str:
    payment = session.get_one(Payment, deed.values["payment"])
    amount = _yen(deed.values["amount"])
    member = deed.actor.removeprefix("staff:")
    try:
        request = ask(session, payment, amount, deed.reason, member=member, once=deed.once)
    except CantRefundError as error:
        raise CantDoError(told(error), field=error.field) from error
    deed.noted["amount"] = amount
    if request.state == "waiting":
        limit = yen(portal.catalog.refunds.two_people_above, locale())
        return str(gettext("A second person has to agree: one alone sends back %(limit)s at most.", limit=limit))
    return on_its_way(amount, payment.method)


def _yen(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len("99999999")):
        raise BadInputError(field="amount")
    return int(text)


def _transfer(session: Session, deed: Deed) -> str:
    if _yen(deed.values["amount"]) != deed.order.price:
        price = yen(deed.order.price, locale())
        raise CantDoError(gettext("Only the whole price can be booked: %(price)s.", price=price), field="amount")
    if len(deed.values["reference"]) > LONGEST_REFERENCE:
        raise BadInputError(field="reference")
    book(session, deed.order, actor=deed.actor, once=deed.once)
    deed.noted["reference"] = deed.values["reference"]
    return str(gettext("The order is paid. The customer gets the result."))


REFUND = Action(
    key="refund",
    title=lazy_gettext("Send money back"),
    explains=lazy_gettext("In full or in part. It can't be undone."),
    permission="orders.money",
    possible=lambda order: bool(_held(order)),
    do=_refund,
    asks=(
        Asked("payment", lazy_gettext("Payment"), options=_payments),
        Asked("amount", lazy_gettext("How much, in yen"), kind="number"),
    ),
    shows=_ways,
    reason=True,
    proved=True,
    danger=True,
)
TRANSFER = Action(
    key="transfer",
    title=lazy_gettext("Book a bank transfer"),
    explains=lazy_gettext(
        "For money that is on the company's bank account. An open payment page is closed; a voucher that is out can't"
        " be. If that is paid as well, the order is paid twice."
    ),
    permission="orders.money",
    possible=payable,
    do=_transfer,
    asks=(
        Asked("amount", lazy_gettext("How much came, in yen"), kind="number"),
        Asked(
            "reference",
            lazy_gettext("Where it stands on the bank statement"),
            hint=lazy_gettext("Date and number of the line. Please name nobody."),
        ),
    ),
    prepare=close_pages,
    reason=True,
    proved=True,
    danger=True,
)
