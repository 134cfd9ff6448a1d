"""What each kind of mail needs to know, read from the database when it is sent.

A mail holds no text of users but the file name, and no address but those below PUBLIC_URL (AC-L22, DESIGN
rule 9) and Stripe's own voucher page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import BANK_TRANSFER
from app.kit.addresses import masked
from app.kit.ages import BACKUPS
from app.kit.devices import device_name
from app.kit.konbini import stores_of
from app.kit.login_secrets import code_of, secrets_of
from app.kit.networks import network_of
from app.models import AddressChange, LoginRequest, LoginSession, Mail, Order, Payment, StaffMember
from app.orders.keeping import kept_longer
from app.orders.states import PAID
from app.portal import portal

Context = dict[str, Any]
Row = TypeVar("Row", AddressChange, LoginSession)


class NotNeededError(Exception):
    """The mail has nothing to say any more, such as a login link that was used or ran out."""


@dataclass(frozen=True)
class Letter:
    """A kind of mail: what fills its templates, and whether its text may be kept in the outbox."""

    context: Callable[[Session, Mail], Context]
    kept: bool = True


def address(path: str) -> str:
    """Return the public address of a path; links never follow a request's Host header (finding 8)."""
    return f"{portal.settings.public_url}{path}"


def _order(session: Session, mail: Mail) -> Context:
    order = session.get_one(Order, mail.order_id)
    product = portal.catalog.product(order.product)
    return {
        "order": order,
        "product": product.name(mail.locale) if product else order.product,
        "order_url": address(f"/orders/{order.id}"),
        "login_url": address(f"/login?next=orders.show&order={order.id}"),
    }


def pay_link(order: Order) -> str:
    """Return the address at which whoever has it may pay an order, for thirty days."""
    return address(f"/orders/{order.id}/pay?t={portal.signer.sign('pay-link', order.id)}")


def _choose_payment(session: Session, mail: Mail) -> Context:
    context = _order(session, mail)
    order: Order = context["order"]
    return {
        **context,
        "offers": [offer for offer in portal.catalog.offers(order.price) if offer.available],
        "pay_url": pay_link(order),
    }


def _voucher(session: Session, mail: Mail) -> Context:
    payment = session.get_one(Payment, mail.params["once"])
    voucher = payment.voucher or {}
    return {
        **_order(session, mail),
        "payment": payment,
        "stores": stores_of(voucher, mail.locale),
        "voucher_url": voucher.get("hosted_url"),
    }


def _reminder(session: Session, mail: Mail) -> Context:
    context = _voucher(session, mail)
    payment: Payment = context["payment"]
    end = payment.voucher_expires_at
    if payment.state != "awaiting" or context["order"].money != "unpaid" or not end or end <= portal.clock():
        raise NotNeededError
    return context


def _refund(session: Session, mail: Mail) -> Context:
    context = _order(session, mail)
    payment = session.get_one(Payment, mail.params["once"])
    if context["order"].money != "refunded":
        raise NotNeededError
    return {**context, "payment": payment, "method": _method(payment, mail.locale)}


def _paid_twice(session: Session, mail: Mail) -> Context:
    payment = session.get_one(Payment, mail.params["once"])
    others = select(Payment).where(
        Payment.order_id == payment.order_id, Payment.id != payment.id, Payment.state.in_(PAID)
    )
    kept = session.scalars(others.order_by(Payment.created_at)).first()
    if kept is None:
        raise NotNeededError
    return {
        **_order(session, mail),
        "payment": payment,
        "method": _method(payment, mail.locale),
        "kept": kept,
        "kept_method": _method(kept, mail.locale),
        "by_itself": portal.catalog.payments.refund_double
        and payment.method != BANK_TRANSFER
        and payment.dispute is None
        and payment.state != "partly_refunded",
    }


def _method(payment: Payment, locale: str) -> str:
    return portal.catalog.method_names(locale).get(payment.method, payment.method)


def _results_go_soon(session: Session, mail: Mail) -> Context:
    context = _order(session, mail)
    order: Order = context["order"]
    if order.kept_until != mail.expires_at or order.result_gone_at is not None or order.money not in PAID:
        raise NotNeededError
    return {**context, "longer": kept_longer(order)}


def _cannot_analyse(session: Session, mail: Mail) -> Context:
    context = _order(session, mail)
    reason = context["order"].reason or {}
    return {**context, "reason": reason.get(mail.locale, ""), "start_url": address("/")}


def _login(session: Session, mail: Mail) -> Context:
    request = session.get_one(LoginRequest, mail.params["request"])
    secrets = secrets_of(portal.signer, request.id, request.token_hash)
    if request.consumed_at is not None or secrets is None:
        raise NotNeededError
    return {"login_url": address(f"/login/{secrets.token}"), "code": secrets.code}


def _still_there(session: Session, model: type[Row], row_id: str) -> Row:
    """Return a row; whoever had their data deleted meanwhile is not written to about it."""
    row = session.get(model, row_id)
    if row is None:
        raise NotNeededError
    return row


def _address_code(session: Session, mail: Mail) -> Context:
    change = _still_there(session, AddressChange, mail.params["change"])
    code = code_of(portal.signer, "address", change.id, change.code_hash)
    if change.consumed_at is not None or code is None:
        raise NotNeededError
    return {"code": code}  # not who asks: a domain may be made of words, and a stranger's mail must not carry any


def _address_changed(session: Session, mail: Mail) -> Context:
    change = _still_there(session, AddressChange, mail.params["change"])
    return {
        "old": masked(change.email),
        "new": masked(change.new_email),
        "at": change.consumed_at,
        "login_url": address("/login"),
    }


def _address_corrected_old(session: Session, mail: Mail) -> Context:
    order = session.get(Order, mail.params["order"])
    if order is None or order.erased_at is not None:
        raise NotNeededError
    return {"number": order.id, "new": masked(order.email), "at": mail.created_at}


def _new_device(session: Session, mail: Mail) -> Context:
    login = _still_there(session, LoginSession, mail.params["session"])
    return {
        "device": device_name(login.user_agent),
        "at": login.created_at,
        "network": network_of(login.ip),
        "account_url": address("/account"),
    }


def _staff_invited(session: Session, mail: Mail) -> Context:
    member = session.get(StaffMember, mail.to)
    if member is None or member.disabled_at is not None or member.totp_secret is not None:
        raise NotNeededError
    return {"by": member.invited_by, "login_url": address("/login?next=staff.orders")}


def _data_deleted(_session: Session, _mail: Mail) -> Context:
    return {"backups_days": BACKUPS.days}


LETTERS = {
    "choose_payment": Letter(_choose_payment),
    "voucher": Letter(_voucher),
    "payment_reminder": Letter(_reminder),
    "paid_twice": Letter(_paid_twice),
    "refund": Letter(_refund),
    "result_open": Letter(_order),
    "results_go_soon": Letter(_results_go_soon),
    "cannot_analyse": Letter(_cannot_analyse),
    "analysis_failed": Letter(_order),
    "payment_expired": Letter(_choose_payment),
    "address_corrected": Letter(_order),
    "login": Letter(_login, kept=False),
    "data_deleted": Letter(_data_deleted, kept=False),
    "address_code": Letter(_address_code, kept=False),
    "address_changed_old": Letter(_address_changed),
    "address_changed_new": Letter(_address_changed),
    "address_corrected_old": Letter(_address_corrected_old),
    "new_device": Letter(_new_device, kept=False),
    "staff_invited": Letter(_staff_invited),
}
"""Every kind of mail; its texts are templates/mail/<kind>/subject.txt, body.txt and body.html."""
